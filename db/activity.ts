/** Queries on activity_log. */
import type { Db } from './client.ts'
import type { NewRow, Row } from './tables.ts'
import type { SeqSlice } from './workspace-operations.ts'

export async function insertActivity (db: Db, row: NewRow<'activity_log'>): Promise<void> {
  await db.insertInto('activity_log').values(row).execute()
}

/** Newest first. */
export async function listActivity (db: Db, companyId: string, { limit, after }: SeqSlice): Promise<Array<Row<'activity_log'>>> {
  let query = db.selectFrom('activity_log').selectAll().where('company_id', '=', companyId)
  if (after !== null) query = query.where('seq', '<', after)
  return await query.orderBy('seq', 'desc').limit(limit).execute()
}
