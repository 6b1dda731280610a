/** The first schema: everything CONTRACT sections 1 to 15 keep. */
import { sql, type Kysely } from 'kysely'

/** A closed enumeration as a check constraint. */
const oneOf = (column: string, values: string) =>
  `check (${column} in (${values.split(' ').map(value => `'${value}'`).join(', ')}))`

const stamps = `
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()`

/** One statement each: PGlite's extended protocol takes no more. The order follows the references. */
const statements = [
  `create table hosts (
    id uuid primary key,
    name text not null,
    instance_id uuid not null,
    pid integer not null,
    data_dir text not null,
    url text,
    started_at timestamptz not null default now(),
    heartbeat_at timestamptz not null default now()
  )`,

  `create table companies (id uuid primary key, name text not null, ${stamps})`,
  'create index companies_list on companies (created_at desc, id desc)',

  `create table projects (
    id uuid primary key,
    company_id uuid not null references companies (id),
    name text not null,
    execution_workspace_policy jsonb,
    ${stamps},
    unique (company_id, id)
  )`,
  'create index projects_list on projects (company_id, created_at desc, id desc)',

  `create table project_workspaces (
    id uuid primary key,
    company_id uuid not null,
    project_id uuid not null,
    name text not null,
    cwd text,
    repo_url text,
    repo_ref text,
    default_ref text,
    is_primary boolean not null default false,
    cleanup_command text,
    runtime_config jsonb,
    metadata jsonb,
    desired_state text ${oneOf('desired_state', 'running stopped')},
    service_states jsonb,
    ${stamps},
    unique (company_id, id),
    foreign key (company_id, project_id) references projects (company_id, id)
  )`,
  'create unique index project_workspaces_one_primary on project_workspaces (project_id) where is_primary',
  'create index project_workspaces_list on project_workspaces (project_id, created_at desc, id desc)',
  'create index project_workspaces_cwd on project_workspaces (cwd) where cwd is not null',

  `create table agents (
    id uuid primary key,
    company_id uuid not null references companies (id),
    name text not null,
    role text not null,
    reports_to uuid,
    status text not null,
    ${stamps},
    unique (company_id, id),
    foreign key (company_id, reports_to) references agents (company_id, id)
  )`,
  'create index agents_list on agents (company_id, created_at desc, id desc)',
  'create index agents_reports_to on agents (company_id, reports_to)',

  `create table issues (
    id uuid primary key,
    company_id uuid not null references companies (id),
    identifier text,
    title text not null,
    status text not null ${oneOf('status', 'backlog todo in_progress in_review blocked done cancelled')},
    project_id uuid,
    project_workspace_id uuid,
    assignee_agent_id uuid,
    execution_workspace_id uuid,
    execution_workspace_settings jsonb,
    hidden_at timestamptz,
    ${stamps},
    unique (company_id, id),
    foreign key (company_id, project_id) references projects (company_id, id),
    foreign key (company_id, project_workspace_id) references project_workspaces (company_id, id),
    foreign key (company_id, assignee_agent_id) references agents (company_id, id)
  )`,
  'create index issues_list on issues (company_id, created_at desc, id desc)',
  'create index issues_assignee on issues (assignee_agent_id) where assignee_agent_id is not null',
  'create index issues_execution_workspace on issues (execution_workspace_id) where execution_workspace_id is not null',
  'create index issues_project on issues (project_id) where project_id is not null',
  'create index issues_project_workspace on issues (project_workspace_id) where project_workspace_id is not null',

  `create table execution_workspaces (
    id uuid primary key,
    company_id uuid not null,
    project_id uuid not null,
    project_workspace_id uuid,
    source_issue_id uuid,
    derived_from_execution_workspace_id uuid references execution_workspaces (id) on delete set null,
    host_id uuid references hosts (id),
    mode text not null ${oneOf('mode', 'shared_workspace isolated_workspace operator_branch adapter_managed cloud_sandbox')},
    strategy_type text not null ${oneOf('strategy_type', 'project_primary git_worktree adapter_managed cloud_sandbox')},
    provider_type text not null ${oneOf('provider_type', 'local_fs git_worktree adapter_managed cloud_sandbox')},
    name text not null,
    status text not null ${oneOf('status', 'active idle in_review archived cleanup_failed provisioning provision_failed archiving')},
    cwd text,
    repo_url text,
    base_ref text,
    base_sha text,
    branch_name text,
    provider_ref text,
    strategy jsonb,
    config jsonb,
    metadata jsonb,
    created_by_runtime boolean not null default false,
    realized_path text,
    repo_root text,
    branch_created_by_runtime boolean not null default false,
    shares_worktree boolean not null default false,
    provision_fingerprint text,
    rescue jsonb,
    version integer not null default 1,
    cleanup_eligible_at timestamptz,
    cleanup_reason text,
    last_used_at timestamptz not null default now(),
    opened_at timestamptz not null default now(),
    closed_at timestamptz,
    ${stamps},
    unique (company_id, id),
    foreign key (company_id, project_id) references projects (company_id, id),
    foreign key (company_id, project_workspace_id) references project_workspaces (company_id, id),
    foreign key (company_id, source_issue_id) references issues (company_id, id) on delete set null (source_issue_id)
  )`,
  `create unique index execution_workspaces_one_per_worktree on execution_workspaces (host_id, realized_path)
    where strategy_type = 'git_worktree' and status <> 'archived' and not shares_worktree`,
  'create index execution_workspaces_list on execution_workspaces (company_id, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_project on execution_workspaces (company_id, project_id, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_project_workspace on execution_workspaces (company_id, project_workspace_id, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_source_issue on execution_workspaces (company_id, source_issue_id, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_status on execution_workspaces (company_id, status, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_branch on execution_workspaces (company_id, branch_name, last_used_at desc, created_at desc, id desc)',
  'create index execution_workspaces_realized on execution_workspaces (realized_path) where realized_path is not null',
  `create index execution_workspaces_unfinished on execution_workspaces (host_id, status)
    where status in ('provisioning', 'archiving', 'cleanup_failed', 'provision_failed')`,
  'create index execution_workspaces_cleanup on execution_workspaces (cleanup_eligible_at) where cleanup_eligible_at is not null and closed_at is null',
  `alter table issues add constraint issues_execution_workspace_fkey
    foreign key (company_id, execution_workspace_id) references execution_workspaces (company_id, id) on delete set null (execution_workspace_id)`,

  `create table runtime_services (
    id uuid primary key,
    seq bigint generated always as identity unique,
    company_id uuid not null references companies (id),
    project_id uuid,
    project_workspace_id uuid,
    execution_workspace_id uuid,
    issue_id uuid,
    scope_type text not null ${oneOf('scope_type', 'project_workspace execution_workspace run agent')},
    scope_id text,
    service_name text not null,
    status text not null ${oneOf('status', 'starting running stopped failed backing_off')},
    lifecycle text not null ${oneOf('lifecycle', 'shared ephemeral')},
    reuse_key text,
    identity_key text not null,
    command text,
    cwd text,
    port integer check (port between 1 and 65535),
    url text,
    provider text not null ${oneOf('provider', 'local_process adapter_managed')},
    provider_ref text,
    owner_agent_id uuid,
    started_by_run_id uuid,
    stop_policy jsonb,
    health_status text not null ${oneOf('health_status', 'unknown healthy unhealthy')},
    config_index integer,
    exit_code integer,
    exit_signal text,
    exit_reason text,
    restart_count integer not null default 0,
    next_restart_at timestamptz,
    log_ref text,
    host_id uuid references hosts (id),
    spawn_mark text,
    pid_start_time text,
    definition jsonb,
    last_used_at timestamptz not null default now(),
    started_at timestamptz not null default now(),
    stopped_at timestamptz,
    ${stamps},
    foreign key (company_id, project_id) references projects (company_id, id),
    foreign key (company_id, project_workspace_id) references project_workspaces (company_id, id),
    foreign key (company_id, execution_workspace_id) references execution_workspaces (company_id, id)
  )`,
  `create unique index runtime_services_one_live on runtime_services (reuse_key)
    where reuse_key is not null and status in ('starting', 'running', 'backing_off')`,
  'create index runtime_services_execution_workspace on runtime_services (execution_workspace_id, identity_key, seq desc)',
  'create index runtime_services_project_workspace on runtime_services (project_workspace_id, identity_key, seq desc)',
  `create index runtime_services_live on runtime_services (host_id)
    where status in ('starting', 'running', 'backing_off')`,

  `create table workspace_operations (
    id uuid primary key,
    seq bigint generated always as identity unique,
    company_id uuid not null references companies (id),
    execution_workspace_id uuid,
    project_workspace_id uuid,
    heartbeat_run_id uuid,
    host_id uuid references hosts (id),
    phase text not null ${oneOf('phase', 'worktree_prepare workspace_provision workspace_teardown worktree_cleanup workspace_rescue workspace_restore')},
    status text not null ${oneOf('status', 'running succeeded failed skipped queued cancelled timed_out interrupted')},
    command text,
    cwd text,
    exit_code integer,
    log_store text,
    log_ref text,
    log_bytes bigint,
    log_sha256 text,
    log_compressed boolean not null default false,
    stdout_excerpt text,
    stderr_excerpt text,
    metadata jsonb,
    spawn_mark text,
    process_id integer,
    pid_start_time text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    ${stamps},
    foreign key (company_id, execution_workspace_id) references execution_workspaces (company_id, id),
    foreign key (company_id, project_workspace_id) references project_workspaces (company_id, id)
  )`,
  'create index workspace_operations_workspace on workspace_operations (execution_workspace_id, seq desc)',
  'create index workspace_operations_run on workspace_operations (heartbeat_run_id, seq) where heartbeat_run_id is not null',
  `create index workspace_operations_unfinished on workspace_operations (host_id)
    where status in ('running', 'queued')`,

  `create table workspace_locks (
    id uuid primary key,
    resource text not null,
    mode text not null ${oneOf('mode', 'shared exclusive')},
    purpose text not null,
    host_id uuid not null references hosts (id) on delete cascade,
    operation_id uuid references workspace_operations (id) on delete set null,
    acquired_at timestamptz not null default now()
  )`,
  "create unique index workspace_locks_one_holder on workspace_locks (resource) where mode = 'exclusive'",
  'create index workspace_locks_resource on workspace_locks (resource)',
  'create index workspace_locks_host on workspace_locks (host_id)',

  `create table run_leases (
    id uuid primary key,
    company_id uuid not null,
    execution_workspace_id uuid not null,
    run_id uuid not null,
    agent_id uuid,
    issue_id uuid,
    expires_at timestamptz not null,
    released_at timestamptz,
    ${stamps},
    foreign key (company_id, execution_workspace_id) references execution_workspaces (company_id, id)
  )`,
  'create unique index run_leases_one_live on run_leases (execution_workspace_id, run_id) where released_at is null',
  'create index run_leases_run on run_leases (run_id) where released_at is null',
  'create index run_leases_expiry on run_leases (expires_at) where released_at is null',

  `create table run_lease_services (
    lease_id uuid not null references run_leases (id) on delete cascade,
    runtime_service_id uuid not null references runtime_services (id) on delete cascade,
    primary key (lease_id, runtime_service_id)
  )`,
  'create index run_lease_services_service on run_lease_services (runtime_service_id)',

  `create table port_reservations (
    host_id uuid not null references hosts (id) on delete cascade,
    port integer not null check (port between 1 and 65535),
    holder_key text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    primary key (host_id, port),
    unique (host_id, holder_key)
  )`,

  // No reference to companies: what was done outlives what it was done to.
  `create table activity_log (
    id uuid primary key,
    seq bigint generated always as identity unique,
    company_id uuid not null,
    actor_type text not null ${oneOf('actor_type', 'board agent system')},
    actor_id text,
    agent_id uuid,
    run_id uuid,
    action text not null,
    entity_type text not null,
    entity_id text not null,
    details jsonb,
    created_at timestamptz not null default now()
  )`,
  'create index activity_log_company on activity_log (company_id, seq desc)',
  'create index activity_log_entity on activity_log (entity_id, seq desc)',

  `create table api_keys (
    id uuid primary key,
    company_id uuid references companies (id) on delete cascade,
    name text not null,
    prefix text not null,
    digest text not null unique,
    actor jsonb not null,
    created_by text,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
  )`,
  'create index api_keys_list on api_keys (company_id, created_at desc, id desc)',

  `create table idempotency_keys (
    actor_key text not null,
    path text not null,
    key text not null,
    body_sha256 text not null,
    status integer,
    headers jsonb,
    body text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (actor_key, path, key)
  )`,
  'create index idempotency_keys_expiry on idempotency_keys (expires_at)'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table issues drop constraint issues_execution_workspace_fkey').execute(db)
  const tables = ['idempotency_keys', 'api_keys', 'activity_log', 'port_reservations', 'run_lease_services', 'run_leases',
    'workspace_locks', 'workspace_operations', 'runtime_services', 'execution_workspaces', 'issues', 'agents',
    'project_workspaces', 'projects', 'companies', 'hosts']
  for (const table of tables) await sql.raw(`drop table ${table}`).execute(db)
}
