/** What happened in a company, in order: written by the database itself with each activity and each change of an operation's status. */
import { sql, type Kysely } from 'kysely'

/** The text of a time as the API gives it: UTC, milliseconds. */
const apiTime = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** Listeners hear of a company once a transaction, when it is committed. */
const notify = "perform pg_notify('berth_events', new.company_id::text);"

const statements = [
  // Numbers are given before a commit, so a later number can be seen before an earlier one. With the transaction in the
  // key, a reader that leaves out transactions which may still be under way sees every row, each after the ones before.
  `create table company_events (
    txid xid8 not null default pg_current_xact_id(),
    seq bigint generated always as identity,
    company_id uuid not null,
    type text not null,
    entity_type text not null,
    entity_id text not null,
    data jsonb not null,
    created_at timestamptz not null default now(),
    primary key (txid, seq)
  )`,
  'create index company_events_company on company_events (company_id, txid, seq)',

  // The last event of each company that was removed because of its age: who asks for what comes before it has missed something.
  `create table company_event_marks (
    company_id uuid primary key,
    txid xid8 not null,
    seq bigint not null
  )`,

  `create function company_event_of_activity () returns trigger language plpgsql as $$
  begin
    insert into company_events (company_id, type, entity_type, entity_id, data) values (
      new.company_id, new.action, new.entity_type, new.entity_id,
      jsonb_build_object('id', new.id, 'companyId', new.company_id, 'actorType', new.actor_type, 'actorId', new.actor_id,
        'agentId', new.agent_id, 'runId', new.run_id, 'action', new.action, 'entityType', new.entity_type,
        'entityId', new.entity_id, 'details', new.details, 'createdAt', ${apiTime('new.created_at')}));
    ${notify}
    return null;
  end $$`,
  `create trigger company_event after insert on activity_log
    for each row execute function company_event_of_activity()`,

  `create function company_event_of_operation () returns trigger language plpgsql as $$
  begin
    insert into company_events (company_id, type, entity_type, entity_id, data) values (
      new.company_id,
      'workspace_operation.' || case new.status when 'queued' then 'queued' when 'running' then 'started' else 'ended' end,
      'workspace_operation', new.id,
      jsonb_build_object('id', new.id, 'executionWorkspaceId', new.execution_workspace_id,
        'projectWorkspaceId', new.project_workspace_id, 'heartbeatRunId', new.heartbeat_run_id, 'phase', new.phase,
        'action', new.metadata ->> 'action', 'status', new.status, 'exitCode', new.exit_code,
        'startedAt', ${apiTime('new.started_at')}, 'finishedAt', ${apiTime('new.finished_at')}));
    ${notify}
    return null;
  end $$`,
  `create trigger company_event_begin after insert on workspace_operations
    for each row execute function company_event_of_operation()`,
  `create trigger company_event_change after update of status on workspace_operations
    for each row when (old.status is distinct from new.status) execute function company_event_of_operation()`,

  // Activity by what it is asked for, newest first; names compare by bytes, so that a prefix is a range.
  'drop index activity_log_company',
  'drop index activity_log_entity',
  'create index activity_log_company on activity_log (company_id, created_at desc, seq desc)',
  'create index activity_log_action on activity_log (company_id, action collate "C", created_at desc, seq desc)',
  'create index activity_log_type on activity_log (company_id, entity_type, created_at desc, seq desc)',
  'create index activity_log_entity on activity_log (company_id, entity_id, created_at desc, seq desc)',
  'create index activity_log_actor on activity_log (company_id, actor_id, created_at desc, seq desc)',
  'create index activity_log_run on activity_log (company_id, run_id, created_at desc, seq desc) where run_id is not null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  const undo = [
    'drop trigger company_event on activity_log',
    'drop trigger company_event_begin on workspace_operations',
    'drop trigger company_event_change on workspace_operations',
    'drop function company_event_of_activity',
    'drop function company_event_of_operation',
    'drop table company_event_marks',
    'drop table company_events',
    'drop index activity_log_company',
    'drop index activity_log_action',
    'drop index activity_log_type',
    'drop index activity_log_entity',
    'drop index activity_log_actor',
    'drop index activity_log_run',
    'create index activity_log_company on activity_log (company_id, seq desc)',
    'create index activity_log_entity on activity_log (entity_id, seq desc)'
  ]
  for (const statement of undo) await sql.raw(statement).execute(db)
}
