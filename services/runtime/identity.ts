/** Who a service is: its scope, the key under which it is shared, and the key that groups its starts. Pure. */
import { createHash } from 'node:crypto'
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'

export type ScopeType = 'project_workspace' | 'execution_workspace' | 'run' | 'agent'

export interface Scope {
  scopeType: ScopeType
  scopeId: string | null
}

/** Whose service it is: the place where it is listed, and who asked. */
export interface ServiceOwner {
  companyId: string
  projectId: string
  projectWorkspaceId: string | null
  /** Null for services of the project workspace itself. */
  executionWorkspaceId: string | null
  issueId: string | null
  agentId: string | null
  runId: string | null
}

/**
 * The scope of a service: `reuseScope`, else the project workspace for a shared one and the run for an
 * ephemeral one. Where what the scope asks for is absent, the nearest that exists: the workspace at hand;
 * `callId` stands for the run of a start by hand.
 */
export function scopeOf ({ reuseScope, lifecycle = 'shared' }: Pick<CommandEntry, 'reuseScope' | 'lifecycle'>, owner: ServiceOwner, callId: string): Scope {
  const wanted = reuseScope ?? (lifecycle === 'ephemeral' ? 'run' : 'project_workspace')
  if (wanted === 'run') return { scopeType: 'run', scopeId: owner.runId ?? callId }
  if (wanted === 'agent' && owner.agentId !== null) return { scopeType: 'agent', scopeId: owner.agentId }
  const project: Scope = { scopeType: 'project_workspace', scopeId: owner.projectWorkspaceId }
  const execution: Scope = { scopeType: 'execution_workspace', scopeId: owner.executionWorkspaceId }
  if (owner.executionWorkspaceId === null) return project
  return wanted === 'project_workspace' && owner.projectWorkspaceId !== null ? project : execution
}

export interface SharedIdentity extends Scope {
  name: string
  command: string
  cwd: string
  /** A fixed port; null for none and for one from the range. */
  fixedPort: number | null
  /** Rendered, without the port. */
  env: Readonly<Record<string, string>>
}

/** The key under which a shared service is found again; two starts with the same key are one service. */
export function reuseKeyOf ({ scopeType, scopeId, name, command, cwd, fixedPort, env }: SharedIdentity): string {
  return digest([scopeType, scopeId, name, command, cwd, fixedPort, Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))])
}

/**
 * The key that groups the rows of one service over its starts, also when its command was edited in between.
 * Ephemeral services of one command are one group, whatever run they are for.
 */
export function identityKeyOf (owner: ServiceOwner, commandId: string, scope: Scope | 'ephemeral'): string {
  const place = owner.executionWorkspaceId ?? owner.projectWorkspaceId
  return digest([place, commandId, scope === 'ephemeral' ? scope : [scope.scopeType, scope.scopeId]])
}

/**
 * For whom a port is kept: the command in its folder, whichever workspace of the scope starts it and however it was
 * edited in between. An ephemeral service keeps its own for one start.
 */
export function portHolderOf (scope: Scope, commandId: string, cwd: string, ephemeralCallId: string | null): string {
  return digest([scope.scopeType, scope.scopeId, commandId, cwd, ephemeralCallId])
}

function digest (parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
