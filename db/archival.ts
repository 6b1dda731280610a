/** Queries that closing a workspace is decided by, and the few writes of archive and restore. */
import { sql, type Kysely } from 'kysely'
import type { OperationPhase } from '../openapi/schemas/operation.ts'
import type { Row, Tables } from './tables.ts'

type Db = Kysely<Tables>
type WorkspaceRow = Row<'execution_workspaces'>

/** The workspace's own project workspace and the primary one of its project (often the same). */
export async function findProjectWorkspaces (db: Db, row: Pick<WorkspaceRow, 'project_id' | 'project_workspace_id'>): Promise<Row<'project_workspaces'>[]> {
  return await db.selectFrom('project_workspaces').selectAll()
    .where('project_id', '=', row.project_id)
    .where(eb => eb.or([eb('is_primary', '=', true), ...(row.project_workspace_id === null ? [] : [eb('id', '=', row.project_workspace_id)])]))
    .execute()
}

export async function findProjectPolicy (db: Db, projectId: string): Promise<Row<'projects'>['execution_workspace_policy']> {
  const row = await db.selectFrom('projects').select('execution_workspace_policy').where('id', '=', projectId).executeTakeFirst()
  return row?.execution_workspace_policy ?? null
}

export type LinkedIssueRow = Pick<Row<'issues'>, 'id' | 'identifier' | 'title' | 'status'>

/** Issues worked on in the workspace, the oldest first. */
export async function listLinkedIssues (db: Db, row: Pick<WorkspaceRow, 'id' | 'company_id'>): Promise<LinkedIssueRow[]> {
  return await db.selectFrom('issues').select(['id', 'identifier', 'title', 'status'])
    .where('company_id', '=', row.company_id).where('execution_workspace_id', '=', row.id)
    .orderBy('created_at').orderBy('id').execute()
}

/** Runs that hold the workspace by a lease that is neither released nor over. */
export async function listLeaseRuns (db: Db, workspaceId: string, now: Date): Promise<string[]> {
  const rows = await db.selectFrom('run_leases').select('run_id')
    .where('execution_workspace_id', '=', workspaceId).where('released_at', 'is', null).where('expires_at', '>', now)
    .orderBy('created_at').execute()
  return rows.map(row => row.run_id)
}

/** Folders of every project workspace, whatever company it belongs to. */
export async function listProjectFolders (db: Db): Promise<string[]> {
  const rows = await db.selectFrom('project_workspaces').select('cwd').distinct().where('cwd', 'is not', null).execute()
  return rows.flatMap(row => row.cwd === null ? [] : [row.cwd])
}

export type FolderHolder = Pick<WorkspaceRow, 'id' | 'name' | 'realized_path'>

/** Other workspaces that are not archived and whose files are in this folder, or in one below it. */
export async function listFolderHolders (db: Db, path: string, exceptId: string): Promise<FolderHolder[]> {
  return await db.selectFrom('execution_workspaces').select(['id', 'name', 'realized_path'])
    .where('id', '<>', exceptId).where('status', '<>', 'archived')
    .where(eb => eb.or([eb('realized_path', '=', path), sql<boolean>`starts_with(realized_path, ${`${path}/`})`]))
    .orderBy('created_at').execute()
}

/** The newest operation of a phase of a workspace. */
export async function findLatestOperation (db: Db, workspaceId: string, phase: OperationPhase): Promise<Row<'workspace_operations'> | undefined> {
  return await db.selectFrom('workspace_operations').selectAll()
    .where('execution_workspace_id', '=', workspaceId).where('phase', '=', phase)
    .orderBy('seq', 'desc').limit(1).executeTakeFirst()
}

/** Stores what is known of the rescue; nothing a client sees, so the version stays. */
export async function storeRescue (db: Db, workspaceId: string, rescue: string | null): Promise<void> {
  await db.updateTable('execution_workspaces').set({ rescue }).where('id', '=', workspaceId).execute()
}

/** Ends the link of every issue that is worked on in the workspace; answers their ids. */
export async function detachIssues (db: Db, row: Pick<WorkspaceRow, 'id' | 'company_id'>, now: Date): Promise<string[]> {
  const rows = await db.updateTable('issues').set({ execution_workspace_id: null, updated_at: now })
    .where('company_id', '=', row.company_id).where('execution_workspace_id', '=', row.id)
    .returning('id').execute()
  return rows.map(({ id }) => id)
}
