/** Finds the operations whose logs are to be compressed or removed, and those that are removed themselves. */
import { sql, type Kysely } from 'kysely'

const statements = [
  // Fewer bytes take a block of the disk anyway: compressing them frees nothing.
  `create index workspace_operations_uncompressed on workspace_operations (host_id, finished_at, id)
    where finished_at is not null and log_ref is not null and not log_compressed and log_bytes > 4096`,
  `create index workspace_operations_logs on workspace_operations (host_id, finished_at, id)
    where finished_at is not null and log_ref is not null`,
  `create index workspace_operations_finished on workspace_operations (host_id, finished_at, id)
    where finished_at is not null`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  for (const name of ['uncompressed', 'logs', 'finished']) await sql.raw(`drop index workspace_operations_${name}`).execute(db)
}
