/** Queries of the table `companies`. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type CompanyRow = Row<'companies'>

export async function findCompany (db: Db, id: string, lock = false): Promise<CompanyRow | undefined> {
  return await db.selectFrom('companies').selectAll().where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first; `among` limits the list to these ids. */
export async function listCompanies (db: Db, among: readonly string[] | null, { limit, after }: CreatedSlice): Promise<CompanyRow[]> {
  const query = db.selectFrom('companies').selectAll().where(after === null ? everything : behind(after))
  const visible = among === null ? query : query.where(sql<boolean>`id = any(${[...among]}::uuid[])`)
  return await visible.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function insertCompany (db: Db, row: NewRow<'companies'>): Promise<CompanyRow> {
  return await db.insertInto('companies').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateCompany (db: Db, id: string, patch: RowPatch<'companies'>): Promise<CompanyRow> {
  return await db.updateTable('companies').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteCompany (db: Db, id: string): Promise<void> {
  await db.deleteFrom('companies').where('id', '=', id).execute()
}
