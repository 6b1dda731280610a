/** Who is at work for an idempotency key: a claim of its own for each request, renewed while it runs, void when its host starts anew. */
import { sql, type Kysely } from 'kysely'

const statements = [
  // Nobody says any more who was at work for these.
  'delete from idempotency_keys where status is null',
  `alter table idempotency_keys
    add column claim_id uuid,
    add column host_id uuid,
    add constraint idempotency_keys_claimed_or_answered check ((status is null) = (claim_id is not null))`,
  'create unique index idempotency_keys_claims on idempotency_keys (claim_id) where claim_id is not null'
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

export async function down (db: Kysely<unknown>): Promise<void> {
  await sql.raw('delete from idempotency_keys where status is null').execute(db)
  await sql.raw('alter table idempotency_keys drop column claim_id, drop column host_id').execute(db)
}
