/** Pages of activity, which is ordered by its time, newest first. */
import type { ActivityPosition } from '../../db/activity.ts'
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import type { Row } from '../../db/tables.ts'
import { InvalidCursor } from '../errors.ts'

const maxSeq = 2n ** 63n - 1n
// The years PostgreSQL and JavaScript both write with four digits.
const [firstMs, lastMs] = [Date.UTC(2000, 0), Date.UTC(9999, 11, 31)]

/** The cursor of what comes after a row. */
export function activityCursor ({ created_at: createdAt, seq }: Pick<Row<'activity_log'>, 'created_at' | 'seq'>): string {
  return encodeCursor([createdAt.getTime(), seq])
}

/** Where a page begins. Throws InvalidCursor. */
export function activityPosition (cursor: string): ActivityPosition {
  const [ms, seq] = decodeCursor(cursor, 2) ?? []
  if (typeof ms === 'number' && ms >= firstMs && ms <= lastMs && typeof seq === 'string' && /^\d{1,19}$/.test(seq) && BigInt(seq) <= maxSeq) {
    return { createdAt: new Date(ms), seq }
  }
  throw new InvalidCursor('The cursor is not one this service gave; take it from the Link header of the page before.')
}
