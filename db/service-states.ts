/** How services stand: what followers of their logs have to know of many of them, often. */
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

export type ServiceState = Pick<Row<'runtime_services'>, 'id' | 'status' | 'attempt'>

/** Of those of the services that exist. */
export async function listServiceStates (db: Db, ids: readonly string[]): Promise<ServiceState[]> {
  return await db.selectFrom('runtime_services').select(['id', 'status', 'attempt'])
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).execute()
}
