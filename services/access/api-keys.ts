/** API keys of a company: made, listed, revoked, by its admins; each change with its activity. */
import { randomUUID } from 'node:crypto'
import { findAgent } from '../../db/agents.ts'
import { findApiKey, insertApiKey, listApiKeys, revokeApiKey, type ApiKeyRow } from '../../db/api-keys.ts'
import type { Db } from '../../db/client.ts'
import { findCompany } from '../../db/companies.ts'
import type { NewRow } from '../../db/tables.ts'
import type { ApiKey, ApiKeyWithSecret, CreateApiKeyBody } from '../../openapi/schemas/api-key.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import { readPage, type PageRequest } from '../directory/created-pages.ts'
import { Forbidden, InvalidInput, InvalidReference, Unprocessable } from '../errors.ts'
import { recordActivity } from '../operations/activity.ts'
import { membershipRoles, type Actor } from './actor.ts'
import { createKeyText, keyDigest, keyPrefix } from './api-key-text.ts'
import { absent, requireCompany } from './company-access.ts'

/** Which key: the ids of its path, lower case. */
export interface ApiKeyPath { companyId: string, id: string }

/** All are for admins of the company (403); what is absent is a NotFound (404). */
export interface ApiKeys {
  list (actor: Actor, companyId: string, page: PageRequest): Promise<Page<ApiKey>>
  get (actor: Actor, path: ApiKeyPath): Promise<ApiKey>
  /**
   * The only answer that shows the key.
   * @throws Forbidden (403) for a role above the actor's own, InvalidInput (400), InvalidReference and Unprocessable (422)
   */
  create (actor: Actor, companyId: string, body: CreateApiKeyBody): Promise<ApiKeyWithSecret>
  /** From then on nobody gets in with it, and what is open with it is ended. Once more changes nothing. */
  revoke (actor: Actor, path: ApiKeyPath): Promise<void>
}

type Holder = Pick<NewRow<'api_keys'>, 'actor_type' | 'agent_id' | 'user_id' | 'role'>

export function createApiKeys ({ db, now }: { db: Db, now: () => Date }): ApiKeys {
  return {
    async list (actor, companyId, page) {
      requireCompany(actor, companyId, 'admin')
      if (await findCompany(db, companyId) === undefined) throw absent()
      return await readPage(page, slice => listApiKeys(db, companyId, slice), toApiKey)
    },
    async get (actor, path) {
      requireCompany(actor, path.companyId, 'admin')
      const row = await findApiKey(db, path)
      if (row === undefined) throw absent()
      return toApiKey(row)
    },
    async create (actor, companyId, body) {
      requireCompany(actor, companyId, 'admin')
      const holder = holderOf(body)
      refuseHigherRole(actor, companyId, holder)
      const at = now()
      const expiresAt = endOf(body, at)
      return await db.transaction().execute(async trx => {
        if (await findCompany(trx, companyId, true) === undefined) throw absent()
        if (holder.agent_id != null) await requireAgent(trx, companyId, holder.agent_id)
        const made = await makeApiKey(trx, { company_id: companyId, name: body.name, ...holder, expires_at: expiresAt, created_by: nameOf(actor) }, at)
        await record(trx, actor, made.row, 'created')
        return { ...toApiKey(made.row), key: made.text }
      })
    },
    async revoke (actor, path) {
      requireCompany(actor, path.companyId, 'admin')
      await db.transaction().execute(async trx => {
        const row = await findApiKey(trx, path, true)
        if (row === undefined) throw absent()
        if (row.revoked_at !== null) return
        await revokeApiKey(trx, row.id, now())
        await record(trx, actor, row, 'revoked')
      })
    }
  }
}

/** Makes a key and its row. The text is nowhere but in what this gives. */
export async function makeApiKey (trx: Db, row: Omit<NewRow<'api_keys'>, 'id' | 'prefix' | 'digest'>, at: Date): Promise<{ row: ApiKeyRow, text: string }> {
  const text = createKeyText()
  return { text, row: await insertApiKey(trx, { ...row, id: randomUUID(), prefix: keyPrefix(text), digest: keyDigest(text), created_at: at, updated_at: at }) }
}

/** Records what was done to a company's key. */
export async function record (trx: Db, actor: Actor, { id, company_id: companyId, prefix, actor_type: actorType, agent_id: agentId, role }: ApiKeyRow, what: 'created' | 'revoked'): Promise<void> {
  if (companyId === null) return
  await recordActivity(trx, { companyId, actor, action: `api_key.${what}`, entityType: 'api_key', entityId: id, details: { prefix, actorType, agentId, role } })
}

/** @throws InvalidReference (422) when there is no such agent in the company, or it was terminated */
export async function requireAgent (trx: Db, companyId: string, agentId: string): Promise<void> {
  const agent = await findAgent(trx, companyId, agentId, true)
  if (agent !== undefined && agent.status !== 'terminated') return
  const message = agent === undefined ? 'There is no such agent in the company.' : 'The agent was terminated.'
  throw new InvalidReference(message, { members: { errors: [{ pointer: '/agentId', message }] } })
}

/** The API's key for a row; nothing of its text but the beginning is known any more. */
function toApiKey (row: ApiKeyRow): ApiKey {
  const time = (date: Date | null): string | null => date === null ? null : date.toISOString()
  return {
    id: row.id,
    // A key without a company is never shown here.
    companyId: row.company_id ?? '',
    name: row.name,
    prefix: row.prefix,
    actorType: row.actor_type,
    agentId: row.agent_id,
    userId: row.user_id,
    role: row.role,
    createdBy: row.created_by,
    expiresAt: time(row.expires_at),
    lastUsedAt: time(row.last_used_at),
    revokedAt: time(row.revoked_at),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}

/** A schema with alternatives would give three errors for one mistake, so what belongs together is checked here. */
function holderOf ({ actorType, agentId = null, userId = null, role = null }: CreateApiKeyBody): Holder {
  const [needed, foreign] = actorType === 'agent'
    ? [{ agentId }, { userId, role }] as const
    : [{ userId, role }, { agentId }] as const
  const errors = [
    ...Object.entries(needed).filter(([, value]) => value === null).map(([name]) => ({ pointer: `/${name}`, message: `is needed for a key with actorType ${actorType}` })),
    ...Object.entries(foreign).filter(([, value]) => value !== null).map(([name]) => ({ pointer: `/${name}`, message: `has no place in a key with actorType ${actorType}` }))
  ]
  const [first] = errors
  if (first !== undefined) throw new InvalidInput(`${first.pointer} ${first.message}.`, { members: { errors } })
  return { actor_type: actorType, agent_id: agentId?.toLowerCase() ?? null, user_id: userId, role }
}

/** Nobody gives away more than they have. Admins of the company have got this far; only its owners may make owners. */
function refuseHigherRole (actor: Actor, companyId: string, { role }: Holder): void {
  if (role == null || actor.type !== 'board' || actor.instanceAdmin) return
  const own = actor.memberships.find(one => one.companyId.toLowerCase() === companyId && one.status === 'active')?.role
  // The roles are in the order of what they may do, the highest first.
  if (own === undefined || membershipRoles.indexOf(role) < membershipRoles.indexOf(own)) throw new Forbidden('Nobody can make a key with a higher role than their own.')
}

function endOf ({ expiresAt = null }: CreateApiKeyBody, at: Date): Date | null {
  if (expiresAt === null) return null
  const end = new Date(expiresAt)
  if (end > at) return end
  const message = 'must be in the future'
  throw new Unprocessable(`/expiresAt ${message}.`, { members: { errors: [{ pointer: '/expiresAt', message }] } })
}

/** Who made a key, as its record keeps it. */
function nameOf (actor: Actor): string | null {
  return actor.type === 'board' ? actor.userId : null
}
