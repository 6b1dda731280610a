/** Queries of the table `projects`. */
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type ProjectRow = Row<'projects'>

/** One by its id, only inside its company; `lock` keeps it from others' changes until the transaction ends. */
export async function findProject (db: Db, companyId: string, id: string, lock = false): Promise<ProjectRow | undefined> {
  return await db.selectFrom('projects').selectAll().where('company_id', '=', companyId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listProjects (db: Db, companyId: string, { limit, after }: CreatedSlice): Promise<ProjectRow[]> {
  return await db.selectFrom('projects').selectAll().where('company_id', '=', companyId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function insertProject (db: Db, row: NewRow<'projects'>): Promise<ProjectRow> {
  return await db.insertInto('projects').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateProject (db: Db, id: string, patch: RowPatch<'projects'>): Promise<ProjectRow> {
  return await db.updateTable('projects').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteProject (db: Db, id: string): Promise<void> {
  await db.deleteFrom('projects').where('id', '=', id).execute()
}
