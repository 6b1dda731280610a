/** Paging of lists that are ordered by their rows' `seq`: a page costs the same at any depth. */
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import type { SeqSlice } from '../../db/workspace-operations.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import { InvalidCursor } from '../errors.ts'

/** What a client asks for: at most `limit` items (100), after the cursor of the page before. */
export interface PageRequest {
  limit?: number | undefined
  cursor?: string | undefined
}

const defaultLimit = 100
const maxSeq = 2n ** 63n - 1n

function seqOf (cursor: string): string {
  const seq = decodeCursor(cursor, 1)?.[0]
  if (typeof seq === 'string' && /^\d{1,19}$/.test(seq) && BigInt(seq) <= maxSeq) return seq
  throw new InvalidCursor('The cursor is not one this service gave; take it from the Link header of the page before.')
}

/** The rows to ask the database for: one more than the page has, to know whether another page follows. */
export function sliceOf ({ limit = defaultLimit, cursor }: PageRequest): SeqSlice {
  return { limit: limit + 1, after: cursor === undefined ? null : seqOf(cursor) }
}

/** The page made of the rows that `sliceOf` asked for. */
export function pageOf<Row extends { seq: string }, Item> (rows: readonly Row[], { limit = defaultLimit }: PageRequest, toItem: (row: Row) => Item): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.seq]) : null
  }
}
