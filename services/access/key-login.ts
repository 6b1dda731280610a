/** Logging in with an API key: it is looked up with every request, so that one that was revoked ends at once, on every host. */
import { timingSafeEqual } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { findKeyByDigest, touchApiKey, type KeyForLogin } from '../../db/api-keys.ts'
import type { Actor } from './actor.ts'
import { isKeyText, keyDigest } from './api-key-text.ts'
import { invalidToken } from './challenge.ts'
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
  now: () => Date
  onError: (error: unknown) => void
}

const noteUseEveryMs = 60_000

export function createKeyLogin ({ db, now, onError }: KeyLoginDeps): KeyLogin {
  const noting = new Map<string, Promise<void>>()

  function noteUse ({ id, last_used_at: last }: KeyForLogin, at: Date): void {
    const unlessSince = new Date(at.getTime() - noteUseEveryMs)
    if (noting.has(id) || (last !== null && last >= unlessSince)) return
    noting.set(id, touchApiKey(db, id, at, unlessSince).catch(onError).finally(() => noting.delete(id)))
  }

  return {
    async login (text) {
      if (!isKeyText(text)) throw invalidToken('The API key is not complete, or mistyped.')
      const digest = keyDigest(text)
      const row = await findKeyByDigest(db, digest)
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

/** The constraint `api_keys_of_one` says which columns are set. */
function actorOfKey ({ id, company_id: companyId, agent_id: agentId, user_id: userId, role, expires_at: expiresAt }: KeyForLogin): Actor {
  const credential = { keyId: id, ...(expiresAt === null ? {} : { validUntil: expiresAt }) }
  if (agentId !== null && companyId !== null) return { type: 'agent', agentId, companyId, runId: null, ...credential }
  const memberships = companyId === null || role === null ? [] : [{ companyId, role, status: 'active' as const }]
  return { type: 'board', userId: userId ?? '', instanceAdmin: companyId === null, memberships, ...credential }
}
