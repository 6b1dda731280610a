/** The place a runtime action works on: an execution workspace or a project workspace, with the config that counts for it. */
import type { Db } from '../../db/client.ts'
import { findWorkspaceWithBase, type BaseWorkspace, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import { listCurrentServices, type ServiceRow } from '../../db/runtime-services.ts'
import type { ProjectWorkspaceRow } from '../../db/project-workspaces.ts'
import { findProject } from '../../db/projects.ts'
import type { Actor } from '../access/actor.ts'
import { runIdOf } from '../access/actor.ts'
import { NoLocalPath, Unprocessable, WorkspaceStateConflict } from '../errors.ts'
import type { HeldLock, LockRequest } from '../operations/locks.ts'
import { listEntries, type WorkspaceCommand } from '../runtime/commands.ts'
import { parseRuntimeConfig } from '../runtime/config.ts'
import type { DesiredStates } from '../runtime/desired-state.ts'
import type { ServiceOwner } from '../runtime/identity.ts'
import { effectiveRuntime, type EffectiveRuntime } from '../workspaces/policy.ts'
import { servicesOwner } from '../workspaces/shape.ts'

/** What a request's path names. */
export type RuntimeTarget =
  | { kind: 'execution', id: string }
  | { kind: 'project', projectId: string, id: string }

/** What a row says of the place it was started for. */
export type ServiceHome = Pick<ServiceRow, 'project_id' | 'project_workspace_id' | 'execution_workspace_id'>

/** A place as it was found; its config is looked at only once access is decided. */
export interface FoundPlace {
  kind: RuntimeTarget['kind']
  companyId: string
  projectId: string
  /** Of the path: the execution workspace's or the project workspace's. */
  id: string
  name: string
  /** Null for a project workspace itself. */
  workspace: WorkspaceRow | null
  projectWorkspace: BaseWorkspace | null
  cwd: string | null
  /** Where the services are listed. */
  owner: { kind: RuntimeTarget['kind'], id: string }
  /** The config that counts; null when no place has one. */
  runtime: EffectiveRuntime | null
  desired: DesiredStates
  /** The run that things are started for, where that is not just whose request it is. */
  startedFor?: RunOwner
}

export interface RuntimePlace extends FoundPlace {
  commands: WorkspaceCommand[]
}

export interface RunOwner {
  runId: string
  agentId: string | null
  issueId: string | null
}

/** Archiving holds the workspace alone for longer; then the answer is that it is busy. */
const placeWaitMs = 10_000

/** The lock that archiving takes alone and running things share; `purpose` as in `LockRequest`. */
export function placeLock ({ kind, id }: Pick<FoundPlace, 'kind' | 'id'>, purpose: string): LockRequest {
  const of = kind === 'execution' ? { resource: `workspace:${id}`, workspaceId: id } : { resource: `project-workspace:${id}` }
  return { ...of, mode: 'shared', purpose, waitMs: placeWaitMs }
}

/** Where the services of a row are configured: the place it was started for; null when that is gone. */
export function homeOf ({ execution_workspace_id: id, project_workspace_id: projectWorkspaceId, project_id: projectId }: ServiceHome): RuntimeTarget | null {
  if (id !== null) return { kind: 'execution', id }
  return projectId === null || projectWorkspaceId === null ? null : { kind: 'project', projectId, id: projectWorkspaceId }
}

/** Throws when the row may not be seen. */
type See = (row: Pick<WorkspaceRow | ProjectWorkspaceRow, 'company_id'>) => void

/**
 * The place as it is now; null when there is none such. Access is decided by the caller.
 * @param see asked before anything is looked up that only a place which is there needs: the time must not tell what may not be seen
 */
export async function loadPlace (db: Db, target: RuntimeTarget, see: See = () => {}): Promise<FoundPlace | null> {
  return target.kind === 'execution' ? await loadExecution(db, target.id, see) : await loadProject(db, target, see)
}

async function loadExecution (db: Db, id: string, see: See): Promise<FoundPlace | null> {
  const found = await findWorkspaceWithBase(db, id)
  if (found === undefined) return null
  const { row, policy, base } = found
  see(row)
  const { config } = row
  return {
    kind: 'execution',
    companyId: row.company_id,
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    workspace: row,
    projectWorkspace: base,
    cwd: row.cwd,
    owner: servicesOwner(row),
    runtime: effectiveRuntime(config, base?.runtime_config ?? null, policy),
    desired: { desiredState: config?.desiredState ?? null, serviceStates: config?.serviceStates ?? null }
  }
}

async function loadProject (db: Db, { projectId, id }: Extract<RuntimeTarget, { kind: 'project' }>, see: See): Promise<FoundPlace | null> {
  const row = await findBase(db, id)
  if (row === undefined || row.project_id !== projectId.toLowerCase()) return null
  see(row)
  const project = await findProject(db, row.company_id, row.project_id)
  return {
    kind: 'project',
    companyId: row.company_id,
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    workspace: null,
    projectWorkspace: row,
    cwd: row.cwd,
    owner: { kind: 'project', id: row.id },
    runtime: effectiveRuntime(null, row.runtime_config, project?.execution_workspace_policy ?? null),
    desired: { desiredState: row.desired_state, serviceStates: row.service_states }
  }
}

/**
 * The place with its current services: the live ones and the newest of each identity. They are asked for in the same breath: only of
 * one that borrows its services it has to be known first whose.
 */
export async function loadPlaceWithServices (db: Db, target: RuntimeTarget, see: See = () => {}): Promise<{ place: FoundPlace, services: ServiceRow[] } | null> {
  const [place, own] = await Promise.all([loadPlace(db, target, see), target.kind === 'execution' ? servicesAt(db, target) : null])
  if (place === null) return null
  return { place, services: own !== null && place.owner.kind === 'execution' ? own : await servicesAt(db, place.owner) }
}

/** The current services of the place that lists them. */
export async function servicesAt (db: Db, { kind, id }: FoundPlace['owner']): Promise<ServiceRow[]> {
  return await listCurrentServices(db, {
    executionWorkspaceIds: kind === 'execution' ? [id] : [],
    projectWorkspaceIds: kind === 'project' ? [id] : []
  })
}

async function findBase (db: Db, id: string): Promise<ProjectWorkspaceRow | undefined> {
  return await db.selectFrom('project_workspaces').selectAll().where('id', '=', id).executeTakeFirst()
}

/**
 * Refuses a workspace that has no room any more, now that its lock is held: what was true before may not be, since an archive may have come first.
 * @throws WorkspaceStateConflict (409)
 */
export function requireStillUsable ({ workspace }: Pick<FoundPlace, 'workspace'>, { workspaceStatus }: Pick<HeldLock, 'workspaceStatus'>): void {
  if (workspace !== null) requireUsable({ workspace: { status: workspaceStatus ?? workspace.status } })
}

/**
 * The place with its commands.
 * @throws InvalidRuntimeConfig (422) when a stored config can't work
 */
export function withCommands (place: FoundPlace): RuntimePlace {
  const { runtime } = place
  return { ...place, commands: runtime === null ? [] : listEntries(parseRuntimeConfig(runtime.runtime), runtime.source) }
}

/**
 * Refuses a workspace whose state has no room for running things.
 * @throws WorkspaceStateConflict (409)
 */
export function requireUsable ({ workspace }: { workspace: Pick<WorkspaceRow, 'status'> | null }): void {
  const status = workspace?.status
  if (status === 'archived' || status === 'archiving' || status === 'provisioning') {
    throw new WorkspaceStateConflict(`The workspace is ${status}: nothing can be run in it.`)
  }
}

/** @throws NoLocalPath (422) */
export function requirePath ({ cwd, name }: FoundPlace): string {
  if (cwd === null) throw new NoLocalPath(`${name} has no local path, so nothing can be run there.`)
  return cwd
}

/** Refuses a workspace whose files another host has. @throws Unprocessable (422) */
export function requireOnHost ({ workspace }: FoundPlace, hostId: string): void {
  if (workspace?.host_id != null && workspace.host_id !== hostId) throw new Unprocessable(`The files of the workspace are on another host; ask that one: ${workspace.host_id}.`)
}

/** Whose services are started there, and for whom. */
export function ownerOf (place: FoundPlace, actor: Actor): ServiceOwner {
  const { runId, agentId, issueId } = place.startedFor ?? { runId: runIdOf(actor), agentId: actor.type === 'agent' ? actor.agentId : null, issueId: null }
  return {
    companyId: place.companyId,
    projectId: place.projectId,
    projectWorkspaceId: place.projectWorkspace?.id ?? null,
    executionWorkspaceId: place.owner.kind === 'execution' ? place.owner.id : null,
    issueId: issueId ?? place.workspace?.source_issue_id ?? null,
    agentId,
    runId
  }
}
