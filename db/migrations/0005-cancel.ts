/** Operations are cancelled from any host, and ended for a host that is gone. */
import { sql, type Kysely } from 'kysely'

const statements = [
  `alter table workspace_operations
    add column cancel_requested_at timestamptz,
    add column cancel_requested_by jsonb,
    add column cancel_refusal text,
    add column orphaned boolean not null default false`,
  'create index workspace_operations_orphaned on workspace_operations (host_id) where orphaned',
  // Looked through every few seconds, by every host.
  `create index workspace_operations_open on workspace_operations (seq)
    where status in ('running', 'queued')`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw('drop index workspace_operations_open').execute(db)
  await sql.raw('drop index workspace_operations_orphaned').execute(db)
  await sql.raw('alter table workspace_operations drop column cancel_requested_at, drop column cancel_requested_by, drop column cancel_refusal, drop column orphaned').execute(db)
}
