/** Queries on activity_log. */
import { sql, type RawBuilder } from 'kysely'
import type { Db } from './client.ts'
import type { NewRow, Row } from './tables.ts'

/** A row's place in the order of activity. */
export interface ActivityPosition { createdAt: Date, seq: string }

/** Which rows are wanted; all that is given has to fit. */
export interface ActivityFilter {
  /** Names of actions, and beginnings of names, which end with a dot; one of them has to fit. */
  actions?: readonly string[] | undefined
  entityType?: string | undefined
  entityId?: string | undefined
  actorId?: string | undefined
  agentId?: string | undefined
  runId?: string | undefined
  keyId?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
}

export interface ActivitySlice {
  limit: number
  after: ActivityPosition | null
  filter?: ActivityFilter
}

/** Writes a row; its time has milliseconds, as cursors do. */
export async function insertActivity (db: Db, row: NewRow<'activity_log'>): Promise<void> {
  await db.insertInto('activity_log').values({ ...row, created_at: row.created_at ?? new Date() }).execute()
}

/** Removes entries from before this time, at most `limit`, the oldest first; answers how many went. */
export async function deleteActivityBefore (db: Db, before: Date, limit: number): Promise<number> {
  const { numDeletedRows } = await db.deleteFrom('activity_log')
    // The oldest by their order, which an index has; their times follow it.
    .where('seq', 'in', eb => eb.selectFrom('activity_log').select('seq').orderBy('seq').limit(limit))
    .where('created_at', '<', before).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Newest first. An index leads to the rows of each single filter, and every index is in this order. */
export async function listActivity (db: Db, companyId: string, { limit, after, filter = {} }: ActivitySlice): Promise<Array<Row<'activity_log'>>> {
  const { actions, entityType, entityId, actorId, agentId, runId, keyId, since, until } = filter
  let query = db.selectFrom('activity_log').selectAll().where('company_id', '=', companyId)
  if (after !== null) query = query.where(sql<boolean>`(created_at, seq) < (${after.createdAt}::timestamptz, ${after.seq}::bigint)`)
  if (actions !== undefined) query = query.where(isOneOf(actions))
  if (entityType !== undefined) query = query.where('entity_type', '=', entityType)
  if (entityId !== undefined) query = query.where('entity_id', '=', entityId)
  if (actorId !== undefined) query = query.where('actor_id', '=', actorId)
  // An agent is the actor of what it does, so the index of actors finds it.
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId).where('actor_id', '=', agentId.toLowerCase())
  if (runId !== undefined) query = query.where('run_id', '=', runId)
  if (keyId !== undefined) query = query.where('key_id', '=', keyId)
  if (since !== undefined) query = query.where('created_at', '>=', since)
  if (until !== undefined) query = query.where('created_at', '<', until)
  return await query.orderBy('created_at', 'desc').orderBy('seq', 'desc').limit(limit).execute()
}

function isOneOf (actions: readonly string[]): RawBuilder<boolean> {
  const exact = actions.filter(action => !action.endsWith('.'))
  const conditions = actions.filter(action => action.endsWith('.')).map(beginsWith)
  if (exact.length > 0) conditions.push(sql<boolean>`action collate "C" = any(${exact}::text[])`)
  return sql<boolean>`(${sql.join(conditions, sql` or `)})`
}

/** As a range, which the index serves: in the order of bytes `/` comes right after the dot. */
function beginsWith (prefix: string): RawBuilder<boolean> {
  return sql<boolean>`(action collate "C" >= ${prefix} and action collate "C" < ${`${prefix.slice(0, -1)}/`})`
}
