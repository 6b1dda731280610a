/**
 * What an agent may not write: anything the host will execute, or that decides where files are touched. Wherever the
 * service reads such things from, it is looked for at any depth and in any spelling: what nobody reads there today
 * may be read tomorrow.
 */
import { ForbiddenForAgents } from '../errors.ts'
import type { Actor } from './actor.ts'

export type WriteKind = 'execution_workspace' | 'project_workspace' | 'project' | 'issue'

/** Names of keys, each in lower case with letters alone. */
const commands = ['provisioncommand', 'teardowncommand', 'cleanupcommand', 'workspaceruntime', 'runtimeconfig']
const places = ['cwd', 'providerref', 'repourl', 'worktreeparentdir']
/** Of a strategy: what decides where files are read from and written to, or how often the host executes something. */
const strategy = ['copyfiles', 'provisionpolicy', 'provisioninputs', 'rescueignored']

/** A part of a body, and the keys that may be nowhere in it; an empty path is the body's own keys alone. */
interface Region {
  path: readonly string[]
  names: ReadonlySet<string>
}

const own = (...names: string[]): Region => ({ path: [], names: new Set(names) })
const within = (...path: string[]): Region => ({ path, names: new Set([...commands, ...places, ...strategy]) })

const regions: Record<WriteKind, readonly Region[]> = {
  execution_workspace: [own(...commands, ...places), within('config'), within('metadata', 'config'), within('workspacestrategy')],
  project_workspace: [own(...commands, ...places), within('metadata', 'config')],
  project: [own(...commands, ...places), within('executionworkspacepolicy')],
  issue: [own(...commands, ...places), within('executionworkspacesettings')]
}

/** JSON pointers (RFC 6901) of what an agent may not write in this body; their presence alone counts, since clearing a command is a change too. Pure. */
export function forbiddenPointers (body: unknown, kind: WriteKind): string[] {
  const found = regions[kind].flatMap(({ path, names }) => path.length === 0 ? among(body, names) : partsAt(body, path, '').flatMap(({ value, pointer }) => below(value, names, pointer)))
  return [...new Set(found)]
}

/**
 * Refuses a body in which an agent writes what the host will execute.
 * @throws ForbiddenForAgents (403) with every place in `errors`; nothing of the request may be applied then
 */
export function forbidAgentWrites (actor: Actor, body: unknown, kind: WriteKind): void {
  if (actor.type !== 'agent') return
  const pointers = forbiddenPointers(body, kind)
  if (pointers.length === 0) return
  throw new ForbiddenForAgents(`An agent may not write ${pointers.join(', ')}.`, {
    members: { errors: pointers.map(pointer => ({ pointer, message: 'not for agents: it decides what the host executes, or where' })) }
  })
}

/** `Provision_Command` → `provisioncommand`. */
function spelling (key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, '')
}

function entriesOf (value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function inPointer (pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function among (value: unknown, names: ReadonlySet<string>, pointer = ''): string[] {
  return entriesOf(value).filter(([key]) => names.has(spelling(key))).map(([key]) => inPointer(pointer, key))
}

/** The parts of a body under this path, in whatever spelling of its keys; lists on the way are gone through. */
function partsAt (value: unknown, path: readonly string[], pointer: string): { value: unknown, pointer: string }[] {
  const [name, ...rest] = path
  if (name === undefined) return [{ value, pointer }]
  return entriesOf(value).flatMap(([key, part]) => {
    if (Array.isArray(value)) return partsAt(part, path, inPointer(pointer, key))
    return spelling(key) === name ? partsAt(part, rest, inPointer(pointer, key)) : []
  })
}

/** Every key of these names, at any depth; inside of one that is found nothing more has to be told. */
function below (value: unknown, names: ReadonlySet<string>, pointer: string): string[] {
  return entriesOf(value).flatMap(([key, part]) => {
    const at = inPointer(pointer, key)
    return names.has(spelling(key)) ? [at] : below(part, names, at)
  })
}
