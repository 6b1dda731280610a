/** Queries of the table `agents`. */
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type AgentRow = Row<'agents'>

/** One by its id, only inside its company; `lock` keeps it from others' changes until the transaction ends. */
export async function findAgent (db: Db, companyId: string, id: string, lock = false): Promise<AgentRow | undefined> {
  return await db.selectFrom('agents').selectAll().where('company_id', '=', companyId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listAgents (db: Db, companyId: string, { limit, after }: CreatedSlice): Promise<AgentRow[]> {
  return await db.selectFrom('agents').selectAll().where('company_id', '=', companyId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function insertAgent (db: Db, row: NewRow<'agents'>): Promise<AgentRow> {
  return await db.insertInto('agents').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function updateAgent (db: Db, id: string, patch: RowPatch<'agents'>): Promise<AgentRow> {
  return await db.updateTable('agents').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteAgent (db: Db, id: string): Promise<void> {
  await db.deleteFrom('agents').where('id', '=', id).execute()
}
