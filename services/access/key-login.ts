/** Logging in with an API key: one that was revoked ends at once, on every host. */
import { timingSafeEqual } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { findKeyByDigest, touchApiKey, type KeyForLogin } from '../../db/api-keys.ts'
import type { Actor } from './actor.ts'
import { isKeyText, keyDigest } from './api-key-text.ts'
import { invalidToken } from './challenge.ts'
import type { Remembered } from './remembered.ts'
import { terminatedAgent } from './terminated.ts'

export interface KeyLogin {
  /**
   * The actor of a key. That it was used is noted at most once a minute, not in the request's way.
   * @throws Unauthenticated with `WWW-Authenticate` (401), Forbidden (403) when its agent was terminated
   */
  login (text: string): Promise<Actor>
  /** Waits for what is still being noted. */
  close (): Promise<void>
}

export interface KeyLoginDeps {
  db: Db
  remembered: Pick<Remembered, 'recall'>
  now: () => Date
  onError: (error: unknown) => void
}

const noteUseEveryMs = 60_000

export function createKeyLogin ({ db, remembered, now, onError }: KeyLoginDeps): KeyLogin {
  const noting = new Map<string, Promise<void>>()

  /** Also in the row, which may be a remembered one. */
  function noteUse (row: KeyForLogin, at: Date): void {
    const { id, last_used_at: last } = row
    const unlessSince = new Date(at.getTime() - noteUseEveryMs)
    if (last !== null && last >= unlessSince) return
    row.last_used_at = at
    if (noting.has(id)) return
    noting.set(id, touchApiKey(db, id, at, unlessSince).catch(onError).finally(() => noting.delete(id)))
  }

  return {
    async login (text) {
      if (!isKeyText(text)) throw invalidToken('The API key is not complete, or mistyped.')
      const digest = keyDigest(text)
      const row = await remembered.recall(digest, async () => await findKeyByDigest(db, digest), endsOf)
      if (row === undefined || !timingSafeEqual(Buffer.from(row.digest, 'hex'), Buffer.from(digest, 'hex'))) throw invalidToken('There is no such API key.')
      const at = now()
      if (row.revoked_at !== null) throw invalidToken('The API key was revoked.')
      if (row.expires_at !== null && row.expires_at <= at) throw invalidToken('The API key has expired.')
      if (row.agent_status === 'terminated') throw terminatedAgent()
      noteUse(row, at)
      return actorOfKey(row)
    },
    async close () {
      await Promise.all(noting.values())
    }
  }
}

/** Only what lets somebody in is remembered: the rest may become good. */
function endsOf (row: KeyForLogin | undefined): string[] | null {
  if (row === undefined || row.revoked_at !== null || row.agent_status === 'terminated') return null
  return [`key:${row.id}`, ...(row.agent_id === null ? [] : [`agent:${row.agent_id}`])]
}

/** The constraint `api_keys_of_one` says which columns are set. */
function actorOfKey ({ id, company_id: companyId, agent_id: agentId, user_id: userId, role, expires_at: expiresAt }: KeyForLogin): Actor {
  const credential = { keyId: id, ...(expiresAt === null ? {} : { validUntil: expiresAt }) }
  if (agentId !== null && companyId !== null) return { type: 'agent', agentId, companyId, runId: null, ...credential }
  const memberships = companyId === null || role === null ? [] : [{ companyId, role, status: 'active' as const }]
  return { type: 'board', userId: userId ?? '', instanceAdmin: companyId === null, memberships, ...credential }
}
