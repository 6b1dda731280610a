/** Queries on workspace_locks: who holds what, over all hosts. */
import { sql } from 'kysely'
import { jsonObjectFrom } from 'kysely/helpers/postgres'
import type { WorkspaceStatus } from '../openapi/schemas/workspace.ts'
import type { Db } from './client.ts'
import type { NewRow, Row } from './tables.ts'

/** Inserts a holder; false when another one already has the resource for itself. */
export async function insertLock (db: Db, row: NewRow<'workspace_locks'>): Promise<boolean> {
  const inserted = await db.insertInto('workspace_locks').values(row)
    .onConflict(conflict => conflict.column('resource').where(sql<boolean>`mode = 'exclusive'`).doNothing())
    .returning('id').executeTakeFirst()
  return inserted !== undefined
}

/** What a holder sees when it looks whether the resource is its own. */
export interface LockLook {
  /** The other holder that stands in the way: anybody for an exclusive lock, an exclusive one for a shared lock. */
  other: Row<'workspace_locks'> | undefined
  /** Of the execution workspace it asks about, at that very moment; null when there is none. */
  workspaceStatus: WorkspaceStatus | null
}

/** Looks for others, and at the status of the workspace that the resource is about: one statement, so that what one of them did is seen once it is gone. */
export async function lookAtLock (db: Db, { resource, mode, ownId, workspaceId }: { resource: string, mode: 'shared' | 'exclusive', ownId: string, workspaceId: string | null }): Promise<LockLook> {
  const { other, workspaceStatus } = await db.selectNoFrom(eb => {
    const others = eb.selectFrom('workspace_locks').selectAll().where('resource', '=', resource).where('id', '<>', ownId)
    return [
      jsonObjectFrom((mode === 'shared' ? others.where('mode', '=', 'exclusive') : others).orderBy('acquired_at').orderBy('id').limit(1)).as('other'),
      sql<WorkspaceStatus | null>`(select status from execution_workspaces where id = ${workspaceId}::uuid)`.as('workspaceStatus')
    ]
  }).executeTakeFirstOrThrow()
  // A time inside JSON is text.
  return { other: other === null ? undefined : { ...other, acquired_at: new Date(other.acquired_at) }, workspaceStatus }
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
