/** Queries on runtime_services for whoever sees to their logs. */
import { sql } from 'kysely'
import { cleanupPolicyNumber } from './cleanup-policy.ts'
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

export interface LogOwner extends Pick<Row<'runtime_services'>, 'id' | 'status' | 'attempt'> {
  /** Days its project keeps logs; null where it does not say. */
  retainDays: number | null
}

/** Those of these services that there are. */
export async function listLogOwners (db: Db, ids: readonly string[]): Promise<LogOwner[]> {
  return await db.selectFrom('runtime_services as s').leftJoin('projects as p', 'p.id', 's.project_id')
    .select(['s.id', 's.status', 's.attempt', cleanupPolicyNumber('retainLogDays').as('retainDays')])
    .where(sql<boolean>`s.id = any(${[...ids]}::uuid[])`).execute()
}

/** The logs of these are gone; not of one that was started again meanwhile. */
export async function forgetServiceLogs (db: Db, ids: readonly string[]): Promise<void> {
  await db.updateTable('runtime_services').set({ log_ref: null })
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).where('status', 'in', ['stopped', 'failed']).execute()
}
