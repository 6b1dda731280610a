/** Queries on the measured sizes of workspaces. A size is no change of a workspace: its version stays. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

/** The workspace of this host that was never measured, or longest ago before a time; undefined when there is none. */
export async function findLeastMeasured (db: Db, hostId: string, before: Date): Promise<{ id: string, path: string } | undefined> {
  const { rows } = await sql<{ id: string, path: string }>`
    select id, realized_path as path from execution_workspaces
    where host_id = ${hostId}::uuid and status <> 'archived' and realized_path is not null and (disk_measured_at is null or disk_measured_at < ${before})
    order by disk_measured_at nulls first limit 1`.execute(db)
  return rows[0]
}

/** @param bytes null when there are no files */
export async function storeDiskUse (db: Db, workspaceId: string, bytes: number | null, at: Date): Promise<void> {
  await db.updateTable('execution_workspaces').set({ disk_bytes: bytes, disk_measured_at: at }).where('id', '=', workspaceId).where('status', '<>', 'archived').execute()
}

/** What all workspaces of a host take together, a folder that several share counted once. */
export async function sumDiskUse (db: Db, hostId: string): Promise<number> {
  const { rows } = await sql<{ bytes: string }>`
    select coalesce(sum(bytes), 0)::text as bytes from (
      select max(disk_bytes) as bytes from execution_workspaces where host_id = ${hostId}::uuid and status <> 'archived' and disk_bytes is not null group by realized_path
    ) measured`.execute(db)
  return Number(rows[0]?.bytes ?? 0)
}
