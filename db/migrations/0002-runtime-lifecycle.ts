/** Restarts of runtime services, and which workspaces use a shared one. */
import { sql, type Kysely } from 'kysely'

const statements = [
  `alter table runtime_services
    add column attempt integer not null default 1,
    add column restart_streak integer not null default 0,
    add column ready_at timestamptz`,

  // By key, not by row: a service that is started anew gets a new row, and is still used by the same workspaces.
  `create table runtime_service_uses (
    reuse_key text not null,
    execution_workspace_id uuid references execution_workspaces (id) on delete cascade,
    project_workspace_id uuid references project_workspaces (id) on delete cascade,
    created_at timestamptz not null default now(),
    check (num_nonnulls(execution_workspace_id, project_workspace_id) = 1),
    unique nulls not distinct (reuse_key, execution_workspace_id, project_workspace_id)
  )`,
  'create index runtime_service_uses_execution_workspace on runtime_service_uses (execution_workspace_id) where execution_workspace_id is not null',
  'create index runtime_service_uses_project_workspace on runtime_service_uses (project_workspace_id) where project_workspace_id is not null',

  // A lease holds all of a workspace's services, so a list of them would only repeat what they say themselves.
  'drop table run_lease_services'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw(`create table run_lease_services (
    lease_id uuid not null references run_leases (id) on delete cascade,
    runtime_service_id uuid not null references runtime_services (id) on delete cascade,
    primary key (lease_id, runtime_service_id)
  )`).execute(db)
  await sql.raw('create index run_lease_services_service on run_lease_services (runtime_service_id)').execute(db)
  await sql.raw('drop table runtime_service_uses').execute(db)
  await sql.raw('alter table runtime_services drop column attempt, drop column restart_streak, drop column ready_at').execute(db)
}
