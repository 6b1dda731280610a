/** Queries on api_keys. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row } from './tables.ts'

/** Triggers of api_keys and agents notify here: `key:<id>` of a key that ended, `agent:<id>` of an agent that was terminated. */
export const credentialsChannel = 'berth_credentials'

export type ApiKeyRow = Row<'api_keys'>

/** What a login needs to know; `agent_status` is null for keys of people. */
export type KeyForLogin = Pick<ApiKeyRow, 'id' | 'company_id' | 'digest' | 'actor_type' | 'agent_id' | 'user_id' | 'role' | 'expires_at' | 'last_used_at' | 'revoked_at'> & { agent_status: string | null }

export async function insertApiKey (db: Db, row: NewRow<'api_keys'>): Promise<ApiKeyRow> {
  return await db.insertInto('api_keys').values(row).returningAll().executeTakeFirstOrThrow()
}

/** By the digest, with its agent's status. */
export async function findKeyByDigest (db: Db, digest: string): Promise<KeyForLogin | undefined> {
  return await db.selectFrom('api_keys as key')
    .leftJoin('agents', join => join.onRef('agents.id', '=', 'key.agent_id').onRef('agents.company_id', '=', 'key.company_id'))
    .select(['key.id', 'key.company_id', 'key.digest', 'key.actor_type', 'key.agent_id', 'key.user_id', 'key.role', 'key.expires_at', 'key.last_used_at', 'key.revoked_at', 'agents.status as agent_status'])
    .where('key.digest', '=', digest).executeTakeFirst()
}

/** Of this company only; null: those of instance admins. `lock` keeps it from others' changes until the transaction ends. */
export async function findApiKey (db: Db, { companyId, id }: { companyId: string | null, id: string }, lock = false): Promise<ApiKeyRow | undefined> {
  return await db.selectFrom('api_keys').selectAll().where('company_id', 'is not distinct from', companyId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listApiKeys (db: Db, companyId: string, { limit, after }: CreatedSlice): Promise<ApiKeyRow[]> {
  return await db.selectFrom('api_keys').selectAll().where('company_id', '=', companyId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** Of the whole instance, newest first, at most 1000. */
export async function listAllApiKeys (db: Db): Promise<ApiKeyRow[]> {
  return await db.selectFrom('api_keys').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(1000).execute()
}

/** By its id alone. */
export async function findAnyApiKey (db: Db, id: string): Promise<ApiKeyRow | undefined> {
  return await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function revokeApiKey (db: Db, id: string, now: Date): Promise<ApiKeyRow> {
  return await db.updateTable('api_keys').set({ revoked_at: now, updated_at: now }).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

/** Notes that a key is used, unless somebody has just done so. */
export async function touchApiKey (db: Db, id: string, now: Date, unlessSince: Date): Promise<void> {
  await db.updateTable('api_keys').set({ last_used_at: now }).where('id', '=', id)
    .where(eb => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', unlessSince)])).execute()
}

/** Whether an agent's record says that it was terminated; false when there is no record. */
export async function agentIsTerminated (db: Db, companyId: string, agentId: string): Promise<boolean> {
  const row = await db.selectFrom('agents').select('status').where('company_id', '=', companyId).where('id', '=', agentId).executeTakeFirst()
  return row?.status === 'terminated'
}

/** Which of these keys and agents may do nothing any more, in the words of the channel. */
export async function endedCredentials (db: Db, keyIds: readonly string[], agentIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select 'key:' || wanted as name from unnest(${keyIds}::uuid[]) wanted
      where not exists (select from api_keys where id = wanted and revoked_at is null)
    union all
    select 'agent:' || id from agents where id = any(${agentIds}::uuid[]) and status = 'terminated'`.execute(db)
  return rows.map(({ name }) => name)
}
