/** Paging of the directory's lists, which are ordered by creation, newest first. */
import type { CreatedPosition, CreatedSlice } from '../../db/created-page.ts'
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import { uuidPattern } from '../../openapi/schemas/kit.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import { InvalidCursor } from '../errors.ts'

export interface PageRequest {
  limit?: number | undefined
  cursor?: string | undefined
}

const defaultLimit = 100
const uuid = new RegExp(uuidPattern)

/**
 * One page of a list.
 * @param read asks the database for the rows of a slice; it is given one more than the page holds, to see whether there is a next one
 * @throws InvalidCursor (400)
 */
export async function readPage<Row extends { id: string, created_at: Date }, Item> (
  { limit = defaultLimit, cursor }: PageRequest,
  read: (slice: CreatedSlice) => Promise<Row[]>,
  toItem: (row: Row) => Item
): Promise<Page<Item>> {
  const rows = await read({ limit: limit + 1, after: cursor === undefined ? null : positionOf(cursor) })
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.created_at.toISOString(), last.id]) : null
  }
}

function positionOf (cursor: string): CreatedPosition {
  const [time, id] = decodeCursor(cursor, 2) ?? []
  if (typeof time === 'string' && typeof id === 'string' && uuid.test(id) && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(time)) {
    const createdAt = new Date(time)
    if (!Number.isNaN(createdAt.getTime()) && createdAt.getUTCFullYear() >= 1) return { createdAt, id }
  }
  throw new InvalidCursor('The cursor is not one this service gave; take it from the Link header of the page before.')
}
