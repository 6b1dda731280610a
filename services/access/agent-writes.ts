/** What an agent may not write: anything the host will execute, or that decides where files are touched. */
import { ForbiddenForAgents } from '../errors.ts'
import type { Actor } from './actor.ts'

export type WriteKind = 'execution_workspace' | 'project_workspace' | 'project' | 'issue'

const strategyCommands = ['provisionCommand', 'teardownCommand']
const configKeys = ['provisionCommand', 'teardownCommand', 'cleanupCommand', 'workspaceRuntime']

/** Paths of keys, each a list of names; their presence alone counts, since clearing a command is a change too. */
const forbidden: Record<WriteKind, readonly (readonly string[])[]> = {
  execution_workspace: [
    ...configKeys.map(key => ['config', key]),
    ...configKeys.map(key => ['metadata', 'config', key]),
    ...strategyCommands.map(key => ['workspaceStrategy', key]),
    ['cwd'], ['providerRef'], ['repoUrl']
  ],
  project_workspace: [['cleanupCommand'], ['runtimeConfig'], ['cwd'], ['repoUrl']],
  project: [
    ...strategyCommands.map(key => ['executionWorkspacePolicy', 'workspaceStrategy', key]),
    ['executionWorkspacePolicy', 'workspaceRuntime']
  ],
  issue: [
    ...strategyCommands.map(key => ['executionWorkspaceSettings', 'workspaceStrategy', key]),
    ['executionWorkspaceSettings', 'workspaceRuntime']
  ]
}

/** JSON pointers of what an agent may not write in this body; empty when all is well. Pure. */
export function forbiddenPointers (body: unknown, kind: WriteKind): string[] {
  return forbidden[kind].filter(path => holds(body, path)).map(path => `/${path.join('/')}`)
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
    members: { errors: pointers.map(pointer => ({ pointer, message: 'not for agents: the host executes it' })) }
  })
}

function holds (body: unknown, path: readonly string[]): boolean {
  let value = body
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
    value = (value as Record<string, unknown>)[key]
  }
  return true
}
