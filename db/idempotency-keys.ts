/** Queries of the table `idempotency_keys`. */
import type { Db } from './client.ts'
import type { NewRow, Row } from './tables.ts'

export type IdempotencyRow = Row<'idempotency_keys'>
export type IdempotencyKey = Pick<IdempotencyRow, 'actor_key' | 'path' | 'key'>

const columns = ['actor_key', 'path', 'key'] as const

/** Takes the key for one request; false when it is taken and its time is not up. */
export async function claimKey (db: Db, row: NewRow<'idempotency_keys'>, now: Date): Promise<boolean> {
  const taken = await db.insertInto('idempotency_keys').values(row)
    .onConflict(conflict => conflict.columns([...columns])
      .doUpdateSet({ body_sha256: row.body_sha256, status: null, headers: null, body: null, created_at: now, expires_at: row.expires_at })
      .where('idempotency_keys.expires_at', '<=', now))
    .returning('key').executeTakeFirst()
  return taken !== undefined
}

function only (db: Db, { actor_key: actorKey, path, key }: IdempotencyKey) {
  return db.selectFrom('idempotency_keys').selectAll().where('actor_key', '=', actorKey).where('path', '=', path).where('key', '=', key)
}

export async function findKey (db: Db, key: IdempotencyKey): Promise<IdempotencyRow | undefined> {
  return await only(db, key).executeTakeFirst()
}

export async function keepAnswer (db: Db, key: IdempotencyKey, answer: { status: number, headers: string, body: string, expires_at: Date }): Promise<void> {
  await db.updateTable('idempotency_keys').set(answer)
    .where('actor_key', '=', key.actor_key).where('path', '=', key.path).where('key', '=', key.key).execute()
}

/** Gives a key back whose request failed in a way that may pass. */
export async function releaseKey (db: Db, key: IdempotencyKey): Promise<void> {
  await db.deleteFrom('idempotency_keys')
    .where('actor_key', '=', key.actor_key).where('path', '=', key.path).where('key', '=', key.key).execute()
}

export async function deleteExpiredKeys (db: Db, now: Date): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('expires_at', '<=', now).execute()
}
