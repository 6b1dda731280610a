/** Lists ordered by creation, newest first: the condition every such query shares. */
import { sql, type RawBuilder } from 'kysely'

/** Where a page begins: after the row created at this time with this id. */
export interface CreatedPosition { createdAt: Date, id: string }

/** Rows of a page: `limit` of them, after the position or from the newest. */
export interface CreatedSlice { limit: number, after: CreatedPosition | null }

/** True for rows behind the position; index-friendly, so a deep page costs what the first does. */
export function behind ({ createdAt, id }: CreatedPosition): RawBuilder<boolean> {
  return sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id}::uuid)`
}

/** The condition of the first page. */
export const everything: RawBuilder<boolean> = sql<boolean>`true`
