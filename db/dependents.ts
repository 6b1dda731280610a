/** What depends on a thing of the directory: counted before a deletion, and taken along or let go with it. */
import { sql, type RawBuilder } from 'kysely'
import type { Db } from './client.ts'

/** Numbers of what is live and holds a deletion up, by table. */
export interface Holders {
  projects?: number
  projectWorkspaces?: number
  executionWorkspaces?: number
  runtimeServices?: number
  operations?: number
  agents?: number
  reports?: number
  issues?: number
}

const liveWorkspace = sql`status <> 'archived'`
const liveService = sql`status in ('starting', 'running', 'backing_off')`
const liveOperation = sql`status in ('running', 'queued')`
const openIssue = sql`status not in ('done', 'cancelled')`

async function count (db: Db, parts: Record<string, RawBuilder<unknown>>): Promise<Holders> {
  const columns = Object.entries(parts).map(([name, from]) => sql`(select count(*)::int from ${from}) as ${sql.ref(name)}`)
  const { rows } = await sql<Holders>`select ${sql.join(columns)}`.execute(db)
  return rows[0] ?? {}
}

export async function holdersOfCompany (db: Db, id: string): Promise<Holders> {
  return await count(db, {
    projects: sql`projects where company_id = ${id}`,
    agents: sql`agents where company_id = ${id} and status <> 'terminated'`,
    issues: sql`issues where company_id = ${id} and ${openIssue}`
  })
}

export async function holdersOfProject (db: Db, id: string): Promise<Holders> {
  return await count(db, {
    projectWorkspaces: sql`project_workspaces where project_id = ${id}`,
    executionWorkspaces: sql`execution_workspaces where project_id = ${id} and ${liveWorkspace}`,
    runtimeServices: sql`runtime_services where project_id = ${id} and ${liveService}`,
    issues: sql`issues where project_id = ${id} and ${openIssue}`
  })
}

export async function holdersOfProjectWorkspace (db: Db, id: string): Promise<Holders> {
  return await count(db, {
    executionWorkspaces: sql`execution_workspaces where project_workspace_id = ${id} and ${liveWorkspace}`,
    runtimeServices: sql`runtime_services where project_workspace_id = ${id} and ${liveService}`,
    operations: sql`workspace_operations where project_workspace_id = ${id} and ${liveOperation}`,
    issues: sql`issues where project_workspace_id = ${id} and ${openIssue}`
  })
}

export async function holdersOfAgent (db: Db, id: string): Promise<Holders> {
  return await count(db, {
    reports: sql`agents where reports_to = ${id} and id <> ${id} and status <> 'terminated'`,
    issues: sql`issues where assignee_agent_id = ${id} and ${openIssue}`
  })
}

export async function holdersOfIssue (db: Db, id: string): Promise<Holders> {
  return await count(db, { executionWorkspaces: sql`execution_workspaces where source_issue_id = ${id} and ${liveWorkspace}` })
}

/** Takes along what is over: closed issues and terminated agents of a company without projects. */
export async function deleteRestOfCompany (db: Db, id: string): Promise<void> {
  await db.deleteFrom('workspace_operations').where('company_id', '=', id).execute()
  await db.deleteFrom('runtime_services').where('company_id', '=', id).execute()
  await db.deleteFrom('issues').where('company_id', '=', id).execute()
  await db.deleteFrom('agents').where('company_id', '=', id).execute()
}

/** Takes along the records of archived workspaces (their rescue refs stay in the repository); closed issues let go. */
export async function deleteRestOfProject (db: Db, id: string): Promise<void> {
  const archived = db.selectFrom('execution_workspaces').select('id').where('project_id', '=', id)
  await db.deleteFrom('run_leases').where('execution_workspace_id', 'in', archived).execute()
  await db.deleteFrom('workspace_operations').where('execution_workspace_id', 'in', archived).execute()
  await db.deleteFrom('runtime_services').where(eb => eb.or([eb('project_id', '=', id), eb('execution_workspace_id', 'in', archived)])).execute()
  await db.deleteFrom('execution_workspaces').where('project_id', '=', id).execute()
  await db.updateTable('issues').set({ project_id: null }).where('project_id', '=', id).execute()
}

/** Archived workspaces and closed issues let go; records of the checkout's own services and jobs go along. */
export async function releaseProjectWorkspace (db: Db, id: string): Promise<void> {
  await db.deleteFrom('workspace_operations').where('project_workspace_id', '=', id).where('execution_workspace_id', 'is', null).execute()
  await db.deleteFrom('runtime_services').where('project_workspace_id', '=', id).where('execution_workspace_id', 'is', null).execute()
  for (const table of ['workspace_operations', 'runtime_services', 'execution_workspaces', 'issues'] as const) {
    await db.updateTable(table).set({ project_workspace_id: null }).where('project_workspace_id', '=', id).execute()
  }
}

/** Terminated reports and closed issues let go. */
export async function releaseAgent (db: Db, id: string): Promise<void> {
  await db.updateTable('agents').set({ reports_to: null }).where('reports_to', '=', id).execute()
  await db.updateTable('issues').set({ assignee_agent_id: null }).where('assignee_agent_id', '=', id).execute()
}
