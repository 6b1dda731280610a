/** Queries on execution_workspaces: keyset-paged lists, reads by worktree, writes that count the version. */
import { sql, type Expression, type ExpressionBuilder, type Kysely, type SqlBool } from 'kysely'
import { jsonObjectFrom } from 'kysely/helpers/postgres'
import type { WorkspaceStatus } from '../openapi/schemas/workspace.ts'
import type { NewRow, Row, RowPatch, Tables } from './tables.ts'

type Db = Kysely<Tables>
export type WorkspaceRow = Row<'execution_workspaces'>
export type WorkspacePatch = Omit<RowPatch<'execution_workspaces'>, 'id' | 'version' | 'updated_at'>

/** What a list is narrowed to; everything given must hold. */
export interface WorkspaceFilter {
  companyId: string
  projectId?: string | undefined
  projectWorkspaceId?: string | undefined
  issueId?: string | undefined
  statuses?: readonly WorkspaceStatus[] | undefined
  hostId?: string | undefined
  branchName?: string | undefined
  /** Part of the name or of the branch, in any case. */
  text?: string | undefined
}

/** The sort key of a list's last row. */
export interface WorkspacePosition {
  lastUsedAt: Date
  createdAt: Date
  id: string
}

export interface WorkspacePageQuery {
  limit: number
  after: WorkspacePosition | null
}

export async function insertWorkspace (db: Db, row: NewRow<'execution_workspaces'>): Promise<WorkspaceRow> {
  return await db.insertInto('execution_workspaces').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function findWorkspace (db: Db, id: string): Promise<WorkspaceRow | undefined> {
  return await db.selectFrom('execution_workspaces').selectAll().where('id', '=', id).executeTakeFirst()
}

/** What is asked of a project workspace by those that work in an execution workspace of it. */
export type BaseWorkspace = Pick<Row<'project_workspaces'>, typeof baseColumns[number]>

const baseColumns = ['id', 'company_id', 'project_id', 'name', 'cwd', 'repo_ref', 'repo_url', 'runtime_config'] as const

export interface WorkspaceWithBase {
  row: WorkspaceRow
  /** Of its project; counts where the workspace says nothing itself. */
  policy: Row<'projects'>['execution_workspace_policy']
  /** The project workspace it belongs to. */
  base: BaseWorkspace | null
}

/** The workspace and what its config rests on. */
export async function findWorkspaceWithBase (db: Db, id: string): Promise<WorkspaceWithBase | undefined> {
  const found = await db.selectFrom('execution_workspaces').selectAll()
    .select(eb => [
      eb.selectFrom('projects').select('execution_workspace_policy').whereRef('projects.id', '=', 'execution_workspaces.project_id').as('policy'),
      jsonObjectFrom(eb.selectFrom('project_workspaces').select(baseColumns).whereRef('project_workspaces.id', '=', 'execution_workspaces.project_workspace_id')).as('base')
    ])
    .where('id', '=', id).executeTakeFirst()
  if (found === undefined) return undefined
  const { policy, base, ...row } = found
  return { row, policy, base }
}

/**
 * Changes a row and counts its version up.
 * @param expected change it only in this version or in one of these statuses
 * @returns the row as it is now, or undefined when there is none such
 */
export async function updateWorkspace (
  db: Db, id: string, patch: WorkspacePatch, now: Date,
  expected: { version?: number | undefined, statuses?: readonly WorkspaceStatus[] | undefined } = {}
): Promise<WorkspaceRow | undefined> {
  let query = db.updateTable('execution_workspaces')
    .set({ ...patch, updated_at: now })
    .set(eb => ({ version: eb('version', '+', 1) }))
    .where('id', '=', id)
  if (expected.version !== undefined) query = query.where('version', '=', expected.version)
  if (expected.statuses !== undefined) query = query.where('status', 'in', [...expected.statuses])
  return await query.returningAll().executeTakeFirst()
}

/** Marks a workspace as just used; no change that a client would have to know of, so the version stays. */
export async function touchWorkspace (db: Db, id: string, now: Date): Promise<void> {
  await db.updateTable('execution_workspaces').set({ last_used_at: now }).where('id', '=', id).execute()
}

export interface WorkspaceUse {
  now: Date
  /** Written beside it, or not at all when the workspace is in another version. */
  activity: NewRow<'activity_log'>
  /** JSON text; absent: it stays as it is, and so does the version. */
  config?: string | undefined
  /** Only in this version. */
  version?: number | undefined
}

/**
 * Marks a workspace as just used, changes its config if one is given, and writes the activity of it: one statement, so
 * that all of it is done or nothing, in one round trip.
 * @returns the row as it is now, or undefined when there is none such
 */
export async function useWorkspace (db: Db, id: string, { now, activity, config, version }: WorkspaceUse): Promise<WorkspaceRow | undefined> {
  const columns = Object.keys(activity) as (keyof typeof activity)[]
  let change = db.updateTable('execution_workspaces').set({ last_used_at: now }).where('id', '=', id)
  if (config !== undefined) change = change.set({ config, updated_at: now }).set(eb => ({ version: eb('version', '+', 1) }))
  if (version !== undefined) change = change.where('version', '=', version)
  return await db.with('used', () => change.returningAll())
    .with('recorded', query => query.insertInto('activity_log').columns(columns)
      .expression(eb => eb.selectFrom('used').select(columns.map(column => eb.val(activity[column]).as(column)))))
    .selectFrom('used').selectAll().executeTakeFirst()
}

/** One page, the most recently used first. Ask for one row more than you show to learn whether there is a next page. */
export async function listWorkspaces (db: Db, filter: WorkspaceFilter, page: WorkspacePageQuery): Promise<WorkspaceRow[]> {
  return await db.selectFrom('execution_workspaces').selectAll()
    .where(eb => eb.and(conditions(eb, filter, page.after)))
    .orderBy('last_used_at', 'desc').orderBy('created_at', 'desc').orderBy('id', 'desc')
    .limit(page.limit).execute()
}

export type WorkspaceSummaryRow = Pick<WorkspaceRow, 'id' | 'name' | 'mode' | 'project_workspace_id' | 'last_used_at' | 'created_at'>

/** The same page with only what the summary and its cursor need. */
export async function listWorkspaceSummaries (db: Db, filter: WorkspaceFilter, page: WorkspacePageQuery): Promise<WorkspaceSummaryRow[]> {
  return await db.selectFrom('execution_workspaces')
    .select(['id', 'name', 'mode', 'project_workspace_id', 'last_used_at', 'created_at'])
    .where(eb => eb.and(conditions(eb, filter, page.after)))
    .orderBy('last_used_at', 'desc').orderBy('created_at', 'desc').orderBy('id', 'desc')
    .limit(page.limit).execute()
}

/** Other workspaces of this host that are not archived and have this worktree. */
export async function findWorktreeHolders (db: Db, hostId: string, path: string, exceptId: string | null): Promise<WorkspaceRow[]> {
  let query = db.selectFrom('execution_workspaces').selectAll()
    .where('host_id', '=', hostId).where('realized_path', '=', path).where('status', '<>', 'archived')
  if (exceptId !== null) query = query.where('id', '<>', exceptId)
  return await query.orderBy('created_at').execute()
}

/** Whether this service made the folder and the branch of a worktree, for a workspace that had it before. */
export async function findWorktreeMakers (db: Db, hostId: string, path: string, branch: string): Promise<{ folder: boolean, branch: boolean }> {
  const rows = await db.selectFrom('execution_workspaces')
    .select(['created_by_runtime', 'branch_created_by_runtime', 'branch_name'])
    .where('host_id', '=', hostId).where('realized_path', '=', path).execute()
  return {
    folder: rows.some(row => row.created_by_runtime),
    branch: rows.some(row => row.branch_created_by_runtime && row.branch_name === branch)
  }
}

/** Workspaces of a host that something interrupted, the oldest first. */
export async function listWorkspacesOfHost (db: Db, hostId: string, statuses: readonly WorkspaceStatus[]): Promise<WorkspaceRow[]> {
  return await db.selectFrom('execution_workspaces').selectAll()
    .where('host_id', '=', hostId).where('status', 'in', [...statuses])
    .orderBy('created_at').execute()
}

type Condition = Expression<SqlBool>

function conditions (eb: ExpressionBuilder<Tables, 'execution_workspaces'>, filter: WorkspaceFilter, after: WorkspacePosition | null): Condition[] {
  const all: Condition[] = [eb('company_id', '=', filter.companyId)]
  if (filter.projectId !== undefined) all.push(eb('project_id', '=', filter.projectId))
  if (filter.projectWorkspaceId !== undefined) all.push(eb('project_workspace_id', '=', filter.projectWorkspaceId))
  if (filter.issueId !== undefined) all.push(eb('source_issue_id', '=', filter.issueId))
  if (filter.statuses !== undefined) all.push(eb('status', 'in', [...filter.statuses]))
  if (filter.hostId !== undefined) all.push(eb('host_id', '=', filter.hostId))
  if (filter.branchName !== undefined) all.push(eb('branch_name', '=', filter.branchName))
  if (filter.text !== undefined) all.push(contains(eb, filter.text))
  // One comparison of rows: the index is entered at this place, however deep the page.
  if (after !== null) {
    all.push(sql<SqlBool>`(last_used_at, created_at, id) < (${after.lastUsedAt}::timestamptz, ${after.createdAt}::timestamptz, ${after.id}::uuid)`)
  }
  return all
}

function contains (eb: ExpressionBuilder<Tables, 'execution_workspaces'>, text: string): Condition {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
  return eb.or([eb('name', 'ilike', pattern), eb('branch_name', 'ilike', pattern)])
}
