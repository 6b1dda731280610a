/** Queries on the runtime services that other systems run; none of them ever touches one of this host's own. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { ServiceRow } from './runtime-services.ts'
import type { NewRow, RowPatch } from './tables.ts'

/** Who reported a service, kept in its definition. */
export interface AdapterSource {
  workspaceId: string
  adapterType: string
}

/** Reports on one workspace take turns until the transaction ends; false when it is gone. */
export async function lockReportsOf (trx: Db, workspaceId: string): Promise<boolean> {
  return await trx.selectFrom('execution_workspaces').select('id').where('id', '=', workspaceId).forUpdate().executeTakeFirst() !== undefined
}

/** The rows with these ids, whosever they are. */
export async function listServicesById (db: Db, ids: readonly string[]): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll().where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).execute()
}

/** Undefined when something has the id by now. */
export async function insertAdapterService (db: Db, row: NewRow<'runtime_services'>): Promise<ServiceRow | undefined> {
  return await db.insertInto('runtime_services').values(row).onConflict(conflict => conflict.column('id').doNothing())
    .returningAll().executeTakeFirst()
}

/** Changes a service of this source; undefined when there is none such. */
export async function updateAdapterService (db: Db, id: string, { workspaceId, adapterType }: AdapterSource, patch: RowPatch<'runtime_services'>): Promise<ServiceRow | undefined> {
  return await db.updateTable('runtime_services').set(patch)
    .where('id', '=', id).where('provider', '=', 'adapter_managed')
    .where(sql<boolean>`(definition ->> 'workspaceId' = ${workspaceId} and definition ->> 'adapterType' = ${adapterType})`)
    .returningAll().executeTakeFirst()
}
