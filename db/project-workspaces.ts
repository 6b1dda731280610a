/** Queries of the table `project_workspaces`. */
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type ProjectWorkspaceRow = Row<'project_workspaces'>

/** One by its id, only inside its company and project. */
export async function findProjectWorkspace (db: Db, companyId: string, projectId: string, id: string): Promise<ProjectWorkspaceRow | undefined> {
  return await db.selectFrom('project_workspaces').selectAll()
    .where('company_id', '=', companyId).where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst()
}

/** Newest first. */
export async function listProjectWorkspaces (db: Db, companyId: string, projectId: string, { limit, after }: CreatedSlice): Promise<ProjectWorkspaceRow[]> {
  return await db.selectFrom('project_workspaces').selectAll()
    .where('company_id', '=', companyId).where('project_id', '=', projectId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function findPrimary (db: Db, projectId: string): Promise<ProjectWorkspaceRow | undefined> {
  return await db.selectFrom('project_workspaces').selectAll().where('project_id', '=', projectId).where('is_primary', '=', true).executeTakeFirst()
}

export async function findOldest (db: Db, projectId: string): Promise<ProjectWorkspaceRow | undefined> {
  return await db.selectFrom('project_workspaces').selectAll().where('project_id', '=', projectId)
    .orderBy('created_at').orderBy('id').limit(1).executeTakeFirst()
}

export async function insertProjectWorkspace (db: Db, row: NewRow<'project_workspaces'>): Promise<ProjectWorkspaceRow> {
  return await db.insertInto('project_workspaces').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateProjectWorkspace (db: Db, id: string, patch: RowPatch<'project_workspaces'>): Promise<ProjectWorkspaceRow> {
  return await db.updateTable('project_workspaces').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteProjectWorkspace (db: Db, id: string): Promise<void> {
  await db.deleteFrom('project_workspaces').where('id', '=', id).execute()
}

/** Keeps others from changing the project's workspaces until the transaction ends; false when there is no such project. */
export async function lockProject (db: Db, companyId: string, projectId: string): Promise<boolean> {
  const row = await db.selectFrom('projects').select('id').where('company_id', '=', companyId).where('id', '=', projectId).forNoKeyUpdate().executeTakeFirst()
  return row !== undefined
}
