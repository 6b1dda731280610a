/** Queries on hosts. Their heart-beats are written and compared by the database's clock: hosts' own clocks may differ. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

/** Writes the row of a host that has just started. */
export async function upsertHost (db: Db, host: { id: string, name: string, instanceId: string, pid: number, dataDir: string }): Promise<Row<'hosts'>> {
  const columns = {
    name: host.name,
    instance_id: host.instanceId,
    pid: host.pid,
    data_dir: host.dataDir,
    started_at: sql<Date>`now()`,
    heartbeat_at: sql<Date>`now()`
  }
  return await db.insertInto('hosts').values({ id: host.id, ...columns })
    .onConflict(conflict => conflict.column('id').doUpdateSet(columns))
    .returningAll().executeTakeFirstOrThrow()
}

/** Says that this instance is alive. */
export async function beatHost (db: Db, hostId: string): Promise<void> {
  await db.updateTable('hosts').set({ heartbeat_at: sql<Date>`now()` }).where('id', '=', hostId).execute()
}
