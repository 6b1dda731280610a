/** Queries on workspace_operations. */
import { sql, type RawBuilder } from 'kysely'
import type { Db } from './client.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

type OperationRow = Row<'workspace_operations'>

/** What changes in a row; metadata may be computed by the database. */
export type OperationPatch = Omit<RowPatch<'workspace_operations'>, 'metadata'> & { metadata?: string | null | RawBuilder<string> }

/** A slice of a list by `seq`: how many rows, and after which one; `after` is the `seq` of the last row seen. */
export interface SeqSlice {
  limit: number
  after: string | null
}

export async function insertOperation (db: Db, row: NewRow<'workspace_operations'>): Promise<OperationRow> {
  return await db.insertInto('workspace_operations').values(row).returningAll().executeTakeFirstOrThrow()
}

/** Changes an operation that has not ended yet; undefined when it has (or does not exist). */
export async function updateUnfinishedOperation (db: Db, id: string, patch: OperationPatch): Promise<OperationRow | undefined> {
  return await db.updateTable('workspace_operations').set(patch)
    .where('id', '=', id).where('status', 'in', ['running', 'queued'])
    .returningAll().executeTakeFirst()
}

/** What somebody who waits for a cancel looks at. */
export type CancelState = Pick<OperationRow, 'id' | 'status' | 'cancel_requested_by' | 'cancel_refusal'>

/** Asks the host of an operation to end it; a refusal of an earlier request is forgotten. False when it has ended. */
export async function requestCancel (db: Db, id: string, by: string): Promise<boolean> {
  const result = await db.updateTable('workspace_operations')
    .set({ cancel_requested_at: sql<Date>`now()`, cancel_requested_by: by, cancel_refusal: null })
    .where('id', '=', id).where('status', 'in', ['running', 'queued'])
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

export async function refuseCancel (db: Db, id: string, refusal: string): Promise<void> {
  await db.updateTable('workspace_operations').set({ cancel_refusal: refusal, cancel_requested_at: null }).where('id', '=', id).execute()
}

/** Those of these operations that others want ended, or have ended in the record. */
export async function listToldToEnd (db: Db, ids: readonly string[]): Promise<CancelState[]> {
  return await db.selectFrom('workspace_operations').select(['id', 'status', 'cancel_requested_by', 'cancel_refusal'])
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids]))))
    .where(eb => eb.or([eb('status', 'not in', ['running', 'queued']), eb('cancel_requested_at', 'is not', null)]))
    .execute()
}

/** For a patch: the metadata the row has, with these keys added or replaced; `json` is the text of an object. */
export function addedMetadata (json: string): RawBuilder<string> {
  return sql<string>`coalesce(metadata, '{}'::jsonb) || ${json}::jsonb`
}

export async function findOperation (db: Db, id: string): Promise<OperationRow | undefined> {
  return await db.selectFrom('workspace_operations').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The status of each of these operations that exists. */
export async function listOperationStatuses (db: Db, ids: readonly string[]): Promise<Pick<OperationRow, 'id' | 'status'>[]> {
  return await db.selectFrom('workspace_operations').select(['id', 'status'])
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).execute()
}

/** Newest first. */
export async function listOperationsOfWorkspace (db: Db, workspaceId: string, { limit, after }: SeqSlice): Promise<OperationRow[]> {
  let query = db.selectFrom('workspace_operations').selectAll()
    .where('execution_workspace_id', '=', workspaceId)
  if (after !== null) query = query.where('seq', '<', after)
  return await query.orderBy('seq', 'desc').limit(limit).execute()
}

/** Oldest first; of the companies named, or of all when `companyIds` is null. */
export async function listOperationsOfRun (db: Db, runId: string, companyIds: readonly string[] | null, { limit, after }: SeqSlice): Promise<OperationRow[]> {
  let query = db.selectFrom('workspace_operations').selectAll()
    .where('heartbeat_run_id', '=', runId)
  if (companyIds !== null) query = query.where(sql<boolean>`company_id = any(${[...companyIds]}::uuid[])`)
  if (after !== null) query = query.where('seq', '>', after)
  return await query.orderBy('seq', 'asc').limit(limit).execute()
}

/** What a host has not ended, oldest first. */
export async function listUnfinishedOperations (db: Db, hostId: string): Promise<OperationRow[]> {
  return await db.selectFrom('workspace_operations').selectAll()
    .where('host_id', '=', hostId).where('status', 'in', ['running', 'queued'])
    .orderBy('seq', 'asc').execute()
}

/** What has not ended in a workspace, oldest first. */
export async function listUnfinishedOfWorkspace (db: Db, workspaceId: string): Promise<OperationRow[]> {
  return await db.selectFrom('workspace_operations').selectAll()
    .where('execution_workspace_id', '=', workspaceId).where('status', 'in', ['running', 'queued'])
    .orderBy('seq', 'asc').execute()
}

/** A host that has something unfinished, and its last heart-beat as text: to be compared with itself, not with a clock. */
export interface OwnerBeat {
  hostId: string
  beat: string
}

/** The hosts that have not ended everything. */
export async function listOwners (db: Db): Promise<OwnerBeat[]> {
  const { rows } = await sql<OwnerBeat>`
    select id as "hostId", extract(epoch from heartbeat_at)::text as beat from hosts
    where id in (select host_id from workspace_operations where status in ('running', 'queued'))`.execute(db)
  return rows
}

/** What no host has ended, and none ever will. */
export async function listOwnerless (db: Db): Promise<OperationRow[]> {
  return await db.selectFrom('workspace_operations').selectAll()
    .where('host_id', 'is', null).where('status', 'in', ['running', 'queued'])
    .orderBy('seq', 'asc').execute()
}

/**
 * Ends in the record what a host has not ended, as long as its heart-beat is still the one that was seen: of several
 * hosts that try, and of a host that comes back, one wins.
 * @param reason the text of a metadata object that says why
 */
export async function interruptOperationsOf (db: Db, { hostId, beat }: OwnerBeat, reason: string): Promise<OperationRow[]> {
  return await db.updateTable('workspace_operations')
    .set({ status: 'interrupted', orphaned: true, metadata: addedMetadata(reason), finished_at: sql<Date>`greatest(now(), started_at)`, updated_at: sql<Date>`now()` })
    .where('host_id', '=', hostId).where('status', 'in', ['running', 'queued'])
    .where(({ exists, selectFrom }) => exists(selectFrom('hosts').select('id').where('id', '=', hostId).where(sql<boolean>`extract(epoch from heartbeat_at)::text = ${beat}`)))
    .returningAll().execute()
}

/** What another host ended in the record for this one: processes of it may live here. */
export async function listOrphans (db: Db, hostId: string): Promise<OperationRow[]> {
  return await db.selectFrom('workspace_operations').selectAll().where('host_id', '=', hostId).where('orphaned', '=', true).orderBy('seq', 'asc').execute()
}

/** No process of it is left; what is known of that is added to its metadata. */
export async function settleOrphan (db: Db, id: string, patch: OperationPatch): Promise<void> {
  await db.updateTable('workspace_operations').set({ ...patch, orphaned: false }).where('id', '=', id).execute()
}

/** The company an execution workspace belongs to; undefined when there is no such workspace. */
export async function companyOfExecutionWorkspace (db: Db, workspaceId: string): Promise<string | undefined> {
  const row = await db.selectFrom('execution_workspaces').select('company_id').where('id', '=', workspaceId).executeTakeFirst()
  return row?.company_id
}
