/** Requests that may be sent twice: the first answer to a key is kept and given again. */
import { createHash } from 'node:crypto'
import type { Db } from '../db/client.ts'
import { claimKey, deleteExpiredKeys, findKey, keepAnswer, releaseKey, type IdempotencyKey } from '../db/idempotency-keys.ts'
import type { Actor } from './access/actor.ts'
import { BadRequest, Conflict, IdempotencyMismatch } from './errors.ts'

export interface KeptAnswer { status: number, headers: Record<string, string>, body: string }

export interface Idempotency {
  /**
   * Takes a key for a request.
   * @returns the kept answer when the same request was answered before, else null: go on, then `keep` or `release`
   * @throws BadRequest for a key that is none, IdempotencyMismatch (422) for another body, Conflict (409) while the first one runs
   */
  claim (request: IdempotentRequest): Promise<{ kept: KeptAnswer | null, key: IdempotencyKey }>
  keep (key: IdempotencyKey, answer: KeptAnswer): Promise<void>
  release (key: IdempotencyKey): Promise<void>
  /** Forgets keys whose time is up. */
  sweep (): Promise<void>
}

export interface IdempotentRequest { actor: Actor, path: string, key: string, body: unknown }

/** A client that repeats a request does it within a day. */
const keptForMs = 24 * 3_600_000
/** A request without an answer by then was cut off: longer than any command may take by default. */
const runsForMs = 15 * 60_000

export function createIdempotency ({ db, now }: { db: Db, now: () => Date }): Idempotency {
  return {
    async claim ({ actor, path, key: text, body }) {
      if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(text)) throw new BadRequest('Idempotency-Key must be 1 to 255 printable ASCII characters.')
      const key = { actor_key: actorKey(actor), path, key: text }
      const digest = createHash('sha256').update(JSON.stringify(body ?? null)).digest('hex')
      const time = now()
      if (await claimKey(db, { ...key, body_sha256: digest, created_at: time, expires_at: new Date(time.getTime() + runsForMs) }, time)) {
        return { kept: null, key }
      }
      const row = await findKey(db, key)
      if (row !== undefined && row.body_sha256 !== digest) throw new IdempotencyMismatch('This Idempotency-Key was used with another body.')
      if (row?.status == null) throw new Conflict('The first request with this Idempotency-Key is still running.', { headers: { 'retry-after': '1' } })
      return { kept: { status: row.status, headers: row.headers ?? {}, body: row.body ?? '' }, key }
    },
    async keep (key, { status, headers, body }) {
      await keepAnswer(db, key, { status, headers: JSON.stringify(headers), body, expires_at: new Date(now().getTime() + keptForMs) })
    },
    release: key => releaseKey(db, key),
    sweep: () => deleteExpiredKeys(db, now())
  }
}

function actorKey (actor: Actor): string {
  switch (actor.type) {
    case 'board': return `board:${actor.userId}`
    case 'agent': return `agent:${actor.agentId}`
    default: return actor.type
  }
}
