/** `npm run key`: makes, lists and revokes API keys in the database itself; the only way to the key of an instance admin. */
import { pino } from 'pino'
import { findAnyApiKey, listAllApiKeys, revokeApiKey, type ApiKeyRow } from '../db/api-keys.ts'
import { openDatabase, type Db } from '../db/client.ts'
import { findCompany } from '../db/companies.ts'
import { dataDirOf } from '../db/data-dir.ts'
import { DataDirLocked, lockDataDir } from '../db/data-dir-lock.ts'
import { migrateToLatest } from '../db/migrate.ts'
import type { NewRow } from '../db/tables.ts'
import { systemActor } from '../services/access/actor.ts'
import { makeApiKey, record, requireAgent } from '../services/access/api-keys.ts'
import { BadArguments, readArguments, usage, type KeyCommand, type KeyHolder } from './key-arguments.ts'

const dayMs = 86_400_000

/** Something the person at the terminal has to mend; the message is one line. */
class NotPossible extends Error {
  override readonly name = 'NotPossible'
}

async function main (): Promise<void> {
  const asked = readArguments(process.argv.slice(2))
  const dataDir = dataDirOf(process.env.BERTH_DATA_DIR)
  // Only the embedded database is for one process at a time.
  const lock = process.env.DATABASE_URL ? null : await lockEmbedded(dataDir)
  try {
    const database = await openDatabase({ databaseUrl: process.env.DATABASE_URL, dataDir, log: pino({ level: process.env.LOG_LEVEL || 'warn' }, pino.destination(2)) })
    try {
      await migrateToLatest(database.db, database.kind)
      await run(database.db, asked)
    } finally {
      await database.close()
    }
  } finally {
    await lock?.release()
  }
}

async function lockEmbedded (dataDir: string) {
  try {
    return await lockDataDir(dataDir)
  } catch (error) {
    if (!(error instanceof DataDirLocked)) throw error
    throw new NotPossible(`The service runs on ${dataDir} (process ${error.pid ?? 'unknown'}), and its embedded database is for one process alone. Stop it for a moment, make keys of companies over HTTP, or use PostgreSQL (DATABASE_URL).`)
  }
}

async function run (db: Db, asked: KeyCommand): Promise<void> {
  switch (asked.command) {
    case 'create': return await create(db, asked)
    case 'list': return await list(db)
    case 'revoke': return await revoke(db, asked.id)
  }
}

async function create (db: Db, { name, holder, expiresInDays }: Extract<KeyCommand, { command: 'create' }>): Promise<void> {
  const at = new Date()
  const expiresAt = expiresInDays === null ? null : new Date(at.getTime() + expiresInDays * dayMs)
  const { row, text } = await db.transaction().execute(async trx => {
    await requireHolder(trx, holder)
    const made = await makeApiKey(trx, { name, ...columnsOf(holder), expires_at: expiresAt }, at)
    await record(trx, systemActor, made.row, 'created')
    return made
  })
  console.error(`${describe(row)}\nThis is the only time that it is shown:`)
  console.log(text)
}

async function requireHolder (trx: Db, holder: KeyHolder): Promise<void> {
  if (holder.kind === 'instance_admin') return
  if (await findCompany(trx, holder.companyId, true) === undefined) throw new NotPossible(`There is no company ${holder.companyId}.`)
  if (holder.kind === 'agent') await requireAgent(trx, holder.companyId, holder.agentId)
}

function columnsOf (holder: KeyHolder): Pick<NewRow<'api_keys'>, 'actor_type' | 'company_id' | 'agent_id' | 'user_id' | 'role'> {
  switch (holder.kind) {
    case 'instance_admin': return { actor_type: 'board', company_id: null, agent_id: null, user_id: holder.userId, role: null }
    case 'person': return { actor_type: 'board', company_id: holder.companyId, agent_id: null, user_id: holder.userId, role: holder.role }
    case 'agent': return { actor_type: 'agent', company_id: holder.companyId, agent_id: holder.agentId, user_id: null, role: null }
  }
}

async function list (db: Db): Promise<void> {
  const rows = await listAllApiKeys(db)
  console.log(rows.length === 0 ? 'There are no keys.' : rows.map(describe).join('\n'))
}

async function revoke (db: Db, id: string): Promise<void> {
  await db.transaction().execute(async trx => {
    const row = await findAnyApiKey(trx, id)
    if (row === undefined) throw new NotPossible(`There is no key ${id}.`)
    if (row.revoked_at !== null) return
    await revokeApiKey(trx, id, new Date())
    await record(trx, systemActor, row, 'revoked')
  })
  console.log(`The key ${id} is refused from now on.`)
}

/** One line that says whose key it is and whether it is good. */
function describe ({ id, name, prefix, company_id: companyId, agent_id: agentId, user_id: userId, role, expires_at: expiresAt, revoked_at: revokedAt }: ApiKeyRow): string {
  const who = agentId !== null ? `agent ${agentId} of company ${companyId}` : role !== null ? `${userId}, ${role} of company ${companyId}` : `${userId}, instance admin`
  const state = revokedAt !== null ? `revoked ${revokedAt.toISOString()}` : expiresAt === null ? 'does not expire' : `expires ${expiresAt.toISOString()}`
  return `${id}  ${prefix}…  ${JSON.stringify(name)}  ${who}  ${state}`
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  if (error instanceof BadArguments) console.error(`\n${usage}`)
  process.exitCode = 1
})
