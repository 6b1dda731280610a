/** Which leases of a workspace have ended: services that stop with the last run are found by them. */
import { sql, type Kysely } from 'kysely'

export async function up (db: Kysely<unknown>): Promise<void> {
  await sql.raw('create index run_leases_ended on run_leases (execution_workspace_id, released_at) where released_at is not null').execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw('drop index run_leases_ended').execute(db)
}
