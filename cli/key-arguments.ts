/** What is asked of `npm run key`, read from its arguments. */
import { parseArgs } from 'node:util'
import { uuidPattern } from '../openapi/schemas/kit.ts'
import { membershipRoles } from '../services/access/actor.ts'

type Role = typeof membershipRoles[number]

export type KeyCommand =
  | { command: 'create', name: string, holder: KeyHolder, expiresInDays: number | null }
  | { command: 'list' }
  | { command: 'revoke', id: string }

export type KeyHolder =
  | { kind: 'instance_admin', userId: string }
  | { kind: 'person', companyId: string, userId: string, role: Role }
  | { kind: 'agent', companyId: string, agentId: string }

export const usage = `Usage:
  npm run key -- create --name NAME --instance-admin [--user ID]
  npm run key -- create --name NAME --company ID --user ID --role ${membershipRoles.join('|')}
  npm run key -- create --name NAME --company ID --agent ID
      each with [--expires-in-days N]; the key alone goes to the standard output
  npm run key -- list
  npm run key -- revoke KEY_ID

The database is the one of DATABASE_URL, or the embedded one of BERTH_DATA_DIR.
For the embedded one the service must not run; while it runs, keys of companies are made over HTTP.`

/** Arguments that make no sense; the message says which. */
export class BadArguments extends Error {
  override readonly name = 'BadArguments'
}

const options = {
  name: { type: 'string' },
  user: { type: 'string' },
  company: { type: 'string' },
  role: { type: 'string' },
  agent: { type: 'string' },
  'instance-admin': { type: 'boolean' },
  'expires-in-days': { type: 'string' }
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options, allowPositionals: true }>>['values']

/** @throws BadArguments */
export function readArguments (args: readonly string[]): KeyCommand {
  const { values, positionals: [command, id, ...rest] } = parsed(args)
  if (rest.length > 0) throw new BadArguments(`"${rest[0]}" is one word too many.`)
  if (command === 'create' && id === undefined) return { command, name: nameOf(values), holder: holderOf(values), expiresInDays: daysOf(values) }
  if (Object.keys(values).length > 0) throw new BadArguments('Options are for create alone.')
  if (command === 'list' && id === undefined) return { command }
  if (command === 'revoke' && id !== undefined) return { command, id: idOf('the key', id) }
  throw new BadArguments('It must be create, list, or revoke with the id of a key.')
}

function parsed (args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error))
  }
}

function nameOf ({ name = '' }: Values): string {
  if (name.length < 1 || name.length > 200) throw new BadArguments('--name must say in 1 to 200 characters what the key is for.')
  return name
}

function holderOf ({ 'instance-admin': admin = false, company, user, role, agent }: Values): KeyHolder {
  if (admin) {
    if (company !== undefined || role !== undefined || agent !== undefined) throw new BadArguments('An instance admin belongs to no company: --instance-admin goes with --user alone.')
    return { kind: 'instance_admin', userId: userOf(user ?? 'admin') }
  }
  if (company === undefined) throw new BadArguments('Whose key is it? Give --instance-admin, or --company with --agent, or with --user and --role.')
  const companyId = idOf('--company', company)
  if (agent !== undefined) {
    if (user !== undefined || role !== undefined) throw new BadArguments('A key is for an agent or for a person: --agent goes neither with --user nor with --role.')
    return { kind: 'agent', companyId, agentId: idOf('--agent', agent) }
  }
  const known = membershipRoles.find(one => one === role)
  if (user === undefined || known === undefined) throw new BadArguments(`A person's key needs --user and --role (${membershipRoles.join(', ')}).`)
  return { kind: 'person', companyId, userId: userOf(user), role: known }
}

function userOf (user: string): string {
  if (user.length < 1 || user.length > 200 || /\p{Cc}/u.test(user) || !user.isWellFormed()) throw new BadArguments('--user must have 1 to 200 printable characters.')
  return user
}

function idOf (what: string, id: string): string {
  if (!new RegExp(uuidPattern).test(id)) throw new BadArguments(`${what} must be an id (a UUID), not "${id}".`)
  return id.toLowerCase()
}

function daysOf ({ 'expires-in-days': text }: Values): number | null {
  if (text === undefined) return null
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new BadArguments(`--expires-in-days must be a number of days from 1 to 99999, not "${text}".`)
  return Number(text)
}
