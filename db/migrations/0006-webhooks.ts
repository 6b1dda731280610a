/** Webhooks: where a company's events are sent, and each message on its way there. */
import { sql, type Kysely } from 'kysely'

const statements = [
  `create table webhooks (
    id uuid primary key,
    company_id uuid not null references companies (id) on delete cascade,
    url text not null,
    types jsonb,
    description text,
    enabled boolean not null default true,
    disabled_reason text,
    secret text not null,
    previous_secret text,
    previous_secret_expires_at timestamptz,
    from_txid xid8 not null,
    from_snapshot pg_snapshot not null default pg_current_snapshot(),
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  'create index webhooks_list on webhooks (company_id, created_at desc, id desc)',

  `create table webhook_deliveries (
    id uuid primary key,
    company_id uuid not null,
    webhook_id uuid not null references webhooks (id) on delete cascade,
    event_id text,
    event_type text not null,
    payload text not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    turn integer not null default 1,
    attempt_count integer not null default 0,
    attempts jsonb not null default '[]',
    next_attempt_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (webhook_id, event_id)
  )`,
  'create index webhook_deliveries_list on webhook_deliveries (webhook_id, created_at desc, id desc)',
  'create index webhook_deliveries_status on webhook_deliveries (webhook_id, status, created_at desc, id desc)',
  'create index webhook_deliveries_finished on webhook_deliveries (finished_at) where finished_at is not null',

  // How far the events have been looked through. Whoever moves it from the place they read owns the events in between.
  `create table webhook_dispatch (
    id boolean primary key default true check (id),
    txid xid8 not null,
    seq bigint not null
  )`,
  "insert into webhook_dispatch (txid, seq) values ('0', 0)"
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  for (const table of ['webhook_dispatch', 'webhook_deliveries', 'webhooks']) await sql.raw(`drop table ${table}`).execute(db)
}
