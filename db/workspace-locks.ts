/** Queries on workspace_locks: who holds what, over all hosts. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { NewRow, Row } from './tables.ts'

/** Inserts a holder; false when another one already has the resource for itself. */
export async function insertLock (db: Db, row: NewRow<'workspace_locks'>): Promise<boolean> {
  const inserted = await db.insertInto('workspace_locks').values(row)
    .onConflict(conflict => conflict.column('resource').where(sql<boolean>`mode = 'exclusive'`).doNothing())
    .returning('id').executeTakeFirst()
  return inserted !== undefined
}

/** The other holder that stands in the way: anybody for an exclusive lock, an exclusive one for a shared lock. */
export async function findConflictingLock (db: Db, resource: string, mode: 'shared' | 'exclusive', ownId: string): Promise<Row<'workspace_locks'> | undefined> {
  let query = db.selectFrom('workspace_locks').selectAll().where('resource', '=', resource).where('id', '<>', ownId)
  if (mode === 'shared') query = query.where('mode', '=', 'exclusive')
  return await query.orderBy('acquired_at').orderBy('id').limit(1).executeTakeFirst()
}

/** Everybody who holds the resource, on any host, the first one first. */
export async function listLocksOn (db: Db, resource: string): Promise<Row<'workspace_locks'>[]> {
  return await db.selectFrom('workspace_locks').selectAll().where('resource', '=', resource).orderBy('acquired_at').orderBy('id').execute()
}

export async function nameLockOperation (db: Db, id: string, operationId: string): Promise<void> {
  await db.updateTable('workspace_locks').set({ operation_id: operationId }).where('id', '=', id).execute()
}

export async function deleteLock (db: Db, id: string): Promise<void> {
  await db.deleteFrom('workspace_locks').where('id', '=', id).execute()
}

export async function deleteLocks (db: Db, ids: readonly string[]): Promise<void> {
  const [id, ...others] = ids
  // Mostly one: the server plans a list anew each time, as it can't know how long that is.
  if (id !== undefined && others.length === 0) return await deleteLock(db, id)
  await db.deleteFrom('workspace_locks').where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).execute()
}

/** Deletes the locks of one resource whose host has given no sign of life for `staleMs`; answers how many. */
export async function deleteLocksOfDeadHosts (db: Db, resource: string, staleMs: number): Promise<number> {
  const result = await db.deleteFrom('workspace_locks').where('resource', '=', resource)
    .where('host_id', 'in', db.selectFrom('hosts').select('id')
      .where('heartbeat_at', '<', sql<Date>`now() - ${staleMs} * interval '1 millisecond'`))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** Deletes every lock of a host; answers how many there were. */
export async function deleteLocksOfHost (db: Db, hostId: string): Promise<number> {
  const result = await db.deleteFrom('workspace_locks').where('host_id', '=', hostId).executeTakeFirst()
  return Number(result.numDeletedRows)
}
