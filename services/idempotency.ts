/** Requests that may be sent twice: the first answer to a key is kept and given again. */
import { createHash, randomUUID } from 'node:crypto'
import type { Db } from '../db/client.ts'
import { claimKey, deleteExpiredKeys, findKey, keepAnswer, releaseClaim, releaseClaimsOf, renewClaims } from '../db/idempotency-keys.ts'
import { actorKey, type Actor } from './access/actor.ts'
import { BadRequest, Conflict, IdempotencyMismatch } from './errors.ts'
import { digestOfKey, openAnswer, sealAnswer } from './sealed-answer.ts'

export interface KeptAnswer { status: number, headers: Record<string, string>, body: string }

/** What a request holds that is the first one with its key. */
export interface Claim {
  id: string
  /** Under which its answer is sealed. */
  key: string
}

export type Claimed =
  | { kept: KeptAnswer, claim: null }
  | { kept: null, claim: Claim }

export interface Idempotency {
  /**
   * Takes a key for a request. It holds until `keep` or `release`, or until this process is gone.
   * @returns the kept answer when the same request was answered before, else the claim: go on, then `keep` or `release`
   * @throws BadRequest for a key that is none, IdempotencyMismatch (422) for another body, Conflict (409) while the first one runs
   */
  claim (request: IdempotentRequest): Promise<Claimed>
  /** @throws what the database throws; it is tried again with `renew`, and nobody else gets the key meanwhile */
  keep (claim: Claim, answer: KeptAnswer): Promise<void>
  release (claim: Claim): Promise<void>
  /** Says that the claims of this process still hold; to be called every `renewEveryMs`. */
  renew (): Promise<void>
  /** Gives back what earlier processes of this host have left; before the first `claim`. */
  releaseLeftovers (): Promise<void>
  /** Forgets keys whose time is up. */
  sweep (): Promise<void>
}

export interface IdempotentRequest { actor: Actor, path: string, key: string, body: unknown }

/** A client that repeats a request does it within a day. */
const keptForMs = 24 * 3_600_000
/** A process that has not renewed its claims for so long is dead; three renewals may get lost. */
const holdsForMs = 60_000
export const renewEveryMs = 15_000

/** The kept requests of all hosts, as one host sees them. */
export function createIdempotency ({ db, hostId }: { db: Db, hostId: string }): Idempotency {
  // Also what could not be renewed in time, because the database was away, holds as long as this process is at it.
  const holding = new Set<string>()
  /** Answers that could not be stored yet: what was done must not be done again for want of them. */
  const unkept = new Map<Claim, KeptAnswer>()

  async function take (claim: Claim, wanted: { actor_key: string, path: string, key: string, body_sha256: string }): Promise<boolean> {
    holding.add(claim.id)
    let isTaken = false
    try {
      isTaken = await claimKey(db, { ...wanted, claim_id: claim.id, host_id: hostId }, { ms: holdsForMs, holding: [...holding] })
    } finally {
      if (!isTaken) holding.delete(claim.id)
    }
    return isTaken
  }

  async function keep (claim: Claim, answer: KeptAnswer): Promise<void> {
    const { status, headers, body } = answer
    unkept.set(claim, answer)
    await keepAnswer(db, claim.id, { status, headers: JSON.stringify(headers), body: sealAnswer(body, claim.key) }, keptForMs)
    unkept.delete(claim)
    holding.delete(claim.id)
  }

  return {
    async claim ({ actor, path, key: text, body }) {
      if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(text)) throw new BadRequest('Idempotency-Key must be 1 to 255 printable ASCII characters.')
      const key = { actor_key: actorKey(actor), path, key: digestOfKey(text) }
      const digest = digestOf(body)
      const claim = { id: randomUUID(), key: text }
      if (await take(claim, { ...key, body_sha256: digest })) return { kept: null, claim }
      const row = await findKey(db, key)
      if (row !== undefined && row.body_sha256 !== digest) throw new IdempotencyMismatch('This Idempotency-Key was used with another body.')
      if (row?.status == null) throw new Conflict('The first request with this Idempotency-Key is still running.', { headers: { 'retry-after': '1' } })
      return { kept: { status: row.status, headers: row.headers ?? {}, body: row.body === null ? '' : openAnswer(row.body, text) }, claim: null }
    },
    keep,
    async release (claim) {
      holding.delete(claim.id)
      await releaseClaim(db, claim.id)
    },
    async renew () {
      if (holding.size > 0) await renewClaims(db, [...holding], holdsForMs)
      for (const [claim, answer] of unkept) await keep(claim, answer)
    },
    releaseLeftovers: async () => await releaseClaimsOf(db, hostId),
    sweep: async () => await deleteExpiredKeys(db, [...holding])
  }
}

/** Of a body as JSON values: the order of an object's keys says nothing (RFC 8259), so it makes no other body. */
function digestOf (body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body ?? null, inOrder)).digest('hex')
}

function inOrder (_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
}
