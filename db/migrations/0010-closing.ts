/** What closing goes by: the branch that a base of `HEAD` stood for, the size on disk, and strays that were seen in a data dir. */
import { sql, type Kysely } from 'kysely'

const statements = [
  `alter table execution_workspaces
    add column base_branch text,
    add column disk_bytes bigint,
    add column disk_measured_at timestamptz`,
  // The one that was measured longest ago is measured next.
  `create index execution_workspaces_measured on execution_workspaces (host_id, disk_measured_at nulls first)
    where status <> 'archived' and realized_path is not null`,
  `create table stray_folders (
    host_id uuid not null,
    path text not null,
    first_seen_at timestamptz not null default now(),
    primary key (host_id, path))`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw('drop table stray_folders').execute(db)
  await sql.raw('alter table execution_workspaces drop column base_branch, drop column disk_bytes, drop column disk_measured_at').execute(db)
}
