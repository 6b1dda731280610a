/** Queries of the table `issues`. */
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type IssueRow = Row<'issues'>

/** One by its id, only inside its company; `lock` keeps it from others' changes until the transaction ends. */
export async function findIssue (db: Db, companyId: string, id: string, lock = false): Promise<IssueRow | undefined> {
  return await db.selectFrom('issues').selectAll().where('company_id', '=', companyId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listIssues (db: Db, companyId: string, { limit, after }: CreatedSlice): Promise<IssueRow[]> {
  return await db.selectFrom('issues').selectAll().where('company_id', '=', companyId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function insertIssue (db: Db, row: NewRow<'issues'>): Promise<IssueRow> {
  return await db.insertInto('issues').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateIssue (db: Db, id: string, patch: RowPatch<'issues'>): Promise<IssueRow> {
  return await db.updateTable('issues').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteIssue (db: Db, id: string): Promise<void> {
  await db.deleteFrom('issues').where('id', '=', id).execute()
}
