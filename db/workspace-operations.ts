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

/** The company an execution workspace belongs to; undefined when there is no such workspace. */
export async function companyOfExecutionWorkspace (db: Db, workspaceId: string): Promise<string | undefined> {
  const row = await db.selectFrom('execution_workspaces').select('company_id').where('id', '=', workspaceId).executeTakeFirst()
  return row?.company_id
}
