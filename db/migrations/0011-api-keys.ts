/** API keys: whose they are in columns of their own; which key did what in the activity; who hears that one has ended. */
import { sql, type Kysely } from 'kysely'

/** The text of a time as the API gives it: UTC, milliseconds. */
const apiTime = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** As in 0004, with or without the key. */
const eventOfActivity = (key: string) => `create or replace function company_event_of_activity () returns trigger language plpgsql as $$
  begin
    insert into company_events (company_id, type, entity_type, entity_id, data) values (
      new.company_id, new.action, new.entity_type, new.entity_id,
      jsonb_build_object('id', new.id, 'companyId', new.company_id, 'actorType', new.actor_type, 'actorId', new.actor_id,
        'agentId', new.agent_id, 'runId', new.run_id, ${key}'action', new.action, 'entityType', new.entity_type,
        'entityId', new.entity_id, 'details', new.details, 'createdAt', ${apiTime('new.created_at')}));
    perform pg_notify('berth_events', new.company_id::text);
    return null;
  end $$`

const statements = [
  // There was no way to make one before.
  'delete from api_keys',
  `alter table api_keys
    drop column actor,
    add column actor_type text not null check (actor_type in ('board', 'agent')),
    add column agent_id uuid,
    add column user_id text,
    add column role text check (role in ('owner', 'admin', 'member', 'viewer')),
    add column updated_at timestamptz not null default now(),
    add foreign key (company_id, agent_id) references agents (company_id, id) on delete cascade,
    add constraint api_keys_of_one check (
      (actor_type = 'agent' and agent_id is not null and company_id is not null and user_id is null and role is null) or
      (actor_type = 'board' and agent_id is null and user_id is not null and (role is null) = (company_id is null)))`,
  'create index api_keys_agent on api_keys (company_id, agent_id) where agent_id is not null',

  'alter table activity_log add column key_id uuid',
  'create index activity_log_key on activity_log (company_id, key_id, created_at desc, seq desc) where key_id is not null',
  eventOfActivity("'keyId', new.key_id, "),
  "update company_events set data = data || '{\"keyId\": null}' where type not like 'workspace_operation.%'",

  // Whoever holds a stream open with a key hears of its end, on every host.
  `create function api_key_ended () returns trigger language plpgsql as $$
  begin
    perform pg_notify('berth_credentials', 'key:' || old.id);
    return null;
  end $$`,
  `create trigger api_key_revoked after update of revoked_at on api_keys
    for each row when (old.revoked_at is null and new.revoked_at is not null) execute function api_key_ended()`,
  'create trigger api_key_deleted after delete on api_keys for each row execute function api_key_ended()',
  `create function agent_ended () returns trigger language plpgsql as $$
  begin
    perform pg_notify('berth_credentials', 'agent:' || new.id);
    return null;
  end $$`,
  `create trigger agent_terminated after update of status on agents
    for each row when (new.status = 'terminated') execute function agent_ended()`,
  // A token may be for an agent that is not known yet; the first that is known of it may be its end.
  `create trigger agent_terminated_at_once after insert on agents
    for each row when (new.status = 'terminated') execute function agent_ended()`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  const undo = [
    'drop trigger agent_terminated_at_once on agents',
    'drop trigger agent_terminated on agents',
    'drop function agent_ended',
    'drop trigger api_key_deleted on api_keys',
    'drop trigger api_key_revoked on api_keys',
    'drop function api_key_ended',
    eventOfActivity(''),
    'drop index activity_log_key',
    'alter table activity_log drop column key_id',
    'delete from api_keys',
    'drop index api_keys_agent',
    `alter table api_keys drop constraint api_keys_of_one, drop column actor_type, drop column agent_id, drop column user_id,
      drop column role, drop column updated_at, add column actor jsonb not null`
  ]
  for (const statement of undo) await sql.raw(statement).execute(db)
}
