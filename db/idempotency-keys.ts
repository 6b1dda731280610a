/** Queries of the table `idempotency_keys`. Times are the database's: hosts' own clocks may differ. */
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely'
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

export type IdempotencyRow = Row<'idempotency_keys'>
export type IdempotencyKey = Pick<IdempotencyRow, 'actor_key' | 'path' | 'key'>

/** A key that a request has for itself until it is answered. */
export interface IdempotencyClaim extends IdempotencyKey {
  claim_id: string
  host_id: string
  body_sha256: string
}

const columns = ['actor_key', 'path', 'key'] as const

function inMs (ms: number): RawBuilder<Date> {
  return sql<Date>`now() + ${ms}::double precision * interval '1 millisecond'`
}

/** Of a row: nobody holds it any more. The claims named hold, whenever they were renewed last. */
function isOver (holding: readonly string[]): Expression<SqlBool> {
  return sql<SqlBool>`idempotency_keys.expires_at <= now() and coalesce(idempotency_keys.claim_id <> all(${[...holding]}::uuid[]), true)`
}

/**
 * Takes the key for one request; false when it is taken and its time is not up.
 * @param holding claims that hold although they may not have been renewed in time
 */
export async function claimKey (db: Db, claim: IdempotencyClaim, lasting: { ms: number, holding: readonly string[] }): Promise<boolean> {
  const fresh = { ...claim, status: null, headers: null, body: null, created_at: sql<Date>`now()`, expires_at: inMs(lasting.ms) }
  const taken = await db.insertInto('idempotency_keys').values(fresh)
    .onConflict(conflict => conflict.columns([...columns]).doUpdateSet(fresh).where(isOver(lasting.holding)))
    .returning('key').executeTakeFirst()
  return taken !== undefined
}

export async function findKey (db: Db, { actor_key: actorKey, path, key }: IdempotencyKey): Promise<IdempotencyRow | undefined> {
  return await db.selectFrom('idempotency_keys').selectAll()
    .where('actor_key', '=', actorKey).where('path', '=', path).where('key', '=', key).executeTakeFirst()
}

/** Says that the requests are still at work. */
export async function renewClaims (db: Db, claimIds: readonly string[], ms: number): Promise<void> {
  await db.updateTable('idempotency_keys').set({ expires_at: inMs(ms) })
    .where(eb => eb('claim_id', '=', eb.fn.any(eb.val([...claimIds])))).execute()
}

/** Keeps the answer of a request; one that lost its claim to another keeps nothing. */
export async function keepAnswer (db: Db, claimId: string, answer: { status: number, headers: string, body: string }, ms: number): Promise<void> {
  await db.updateTable('idempotency_keys').set({ ...answer, claim_id: null, expires_at: inMs(ms) }).where('claim_id', '=', claimId).execute()
}

/** Gives a key back whose request failed in a way that may pass. */
export async function releaseClaim (db: Db, claimId: string): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('claim_id', '=', claimId).execute()
}

/** Gives back what earlier processes of a host were at work for. */
export async function releaseClaimsOf (db: Db, hostId: string): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('claim_id', 'is not', null).where('host_id', '=', hostId).execute()
}

export async function deleteExpiredKeys (db: Db, holding: readonly string[]): Promise<void> {
  await db.deleteFrom('idempotency_keys').where(isOver(holding)).execute()
}
