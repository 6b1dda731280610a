/** Runtime control end to end: who may, what is meant, one operation for it, and the answer. */
import { findWorkspace } from '../../db/execution-workspaces.ts'
import type { Db } from '../../db/client.ts'
import { findService, type ServiceRow } from '../../db/runtime-services.ts'
import type { ProjectWorkspace } from '../../openapi/schemas/directory.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { runtimeActions, type RuntimeAction, type RuntimeControlBody } from '../../openapi/schemas/runtime.ts'
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import { runIdOf, systemActor, type Actor } from '../access/actor.ts'
import { absent, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { toProjectWorkspace } from '../directory/shape.ts'
import { isProblem, RouteNotFound, Unprocessable } from '../errors.ts'
import type { OperationHandle, Recorder } from '../operations/recorder.ts'
import { servicesOf, type WorkspaceCommand } from '../runtime/commands.ts'
import { startOrder } from '../runtime/dependencies.ts'
import { desiredRunning } from '../runtime/desired-state.ts'
import type { CurrentServicesOf } from '../runtime/current-services.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import { toWorkspace } from '../workspaces/shape.ts'
import { performAction, type RuntimeActionsDeps } from './runtime-actions.ts'
import { loadPlace, requirePath, requireUsable, servicesAt, withCommands, type RuntimePlace, type RuntimeTarget } from './runtime-place.ts'
import { operationInput } from './runtime-operation.ts'
import { decideRequest, servicesOfCommand, type RuntimeRequest } from './runtime-request.ts'

export interface RuntimeControlDeps extends RuntimeActionsDeps {
  hostId: string
  access: RuntimeAccess
  recorder: Recorder
  readOperation: (id: string) => Promise<WorkspaceOperation | null>
  currentServicesOf: CurrentServicesOf
  log: RuntimeLog
}

export interface RuntimeAnswer<Workspace = ExecutionWorkspace | ProjectWorkspace> {
  workspace: Workspace
  operation: WorkspaceOperation
}

export interface ControlOptions {
  /** Answer as soon as the operation is recorded; it goes on by itself. */
  respondAsync?: boolean
}

export interface RuntimeControl {
  /**
   * Starts, stops or restarts services, or runs a job.
   * @param action `start`, `stop`, `restart` or `run`, in any case
   * @throws RouteNotFound, NotFound, CommandNotFound, RuntimeServiceNotFound (404), Forbidden (403), WorkspaceStateConflict, WorkspaceBusy (409),
   *   NoLocalPath, NoRuntimeConfig, ServiceIndexOutOfRange, WrongAction, CommandDisabled, ServiceStartFailed, StopIncomplete (422)
   */
  control (actor: Actor, target: Extract<RuntimeTarget, { kind: 'execution' }>, action: string, body: RuntimeControlBody, options?: ControlOptions): Promise<RuntimeAnswer<ExecutionWorkspace>>
  control (actor: Actor, target: Extract<RuntimeTarget, { kind: 'project' }>, action: string, body: RuntimeControlBody, options?: ControlOptions): Promise<RuntimeAnswer<ProjectWorkspace>>
  control (actor: Actor, target: RuntimeTarget, action: string, body: RuntimeControlBody, options?: ControlOptions): Promise<RuntimeAnswer>
  /** Starts those services of a place that should run and don't, each by an operation of its own, as the service itself. */
  bringBack (target: RuntimeTarget): Promise<BroughtBack>
}

/** How many were started, and what went wrong with others, in words. */
export interface BroughtBack {
  started: number
  problems: string[]
}

export function createRuntimeControl (deps: RuntimeControlDeps): RuntimeControl {
  async function control (actor: Actor, target: RuntimeTarget, action: string, body: RuntimeControlBody, { respondAsync = false }: ControlOptions = {}) {
    const known = actionOf(action)
    const place = await openPlace(deps, actor, target)
    const request = decideRequest(known, body, await factsOf(deps, place, body))
    const { begun, ended } = perform(deps, place, request, actor)
    if (respondAsync) {
      ended.catch((err: unknown) => deps.log.warn({ err }, 'a runtime action that was answered early has failed'))
      const operation = await deps.readOperation(await begun)
      if (operation !== null) return { workspace: await show(deps, place), operation }
    }
    const { operation, value } = await ended
    return { workspace: await show(deps, place, value), operation }
  }
  // One function for both kinds of workspace; the overloads say which shape belongs to which target.
  return { control: control as RuntimeControl['control'], bringBack: async target => await bringBack(deps, target) }
}

async function bringBack (deps: RuntimeControlDeps, target: RuntimeTarget): Promise<BroughtBack> {
  const found = await loadPlace(deps.db, target)
  const result: BroughtBack = { started: 0, problems: [] }
  if (found === null) return result
  const place = withCommands(found)
  for (const command of wantedCommands(place)) {
    if (servicesOfCommand(command, await servicesAt(deps.db, place.owner)).length > 0) continue
    const request: RuntimeRequest = { action: 'start', command, runtimeServiceId: null, start: [command], stop: [], remember: null }
    try {
      await perform(deps, place, request, systemActor).ended
      result.started++
    } catch (error) {
      deps.log.warn({ err: error, workspaceId: place.id, service: command.definition.name }, 'a service that should run could not be started')
      result.problems.push(`${place.name}, ${command.definition.name}: ${isProblem(error) ? error.detail : 'failed; see the log'}`)
    }
  }
  return result
}

/** Services of a run, an agent or a call are not brought back: those they belonged to may be gone. */
function wantedCommands ({ commands, desired }: RuntimePlace): WorkspaceCommand[] {
  const services = servicesOf(commands)
  const wanted = desiredRunning(desired, services.length).flatMap(index => services[index] ?? [])
  return startOrder(services, wanted.filter(({ definition, entry }) =>
    definition.lifecycle === 'shared' && definition.disabledReason === null && entry.reuseScope !== 'run' && entry.reuseScope !== 'agent'))
}

/** @throws RouteNotFound (404) */
function actionOf (action: string): RuntimeAction {
  const known = runtimeActions.find(one => one === action.toLowerCase())
  if (known === undefined) throw new RouteNotFound(`There is no runtime action ${action}; there are ${runtimeActions.join(', ')}.`)
  return known
}

/** The place, once the actor may see and manage it and its state has room for running things. */
async function openPlace ({ db, access, hostId }: RuntimeControlDeps, actor: Actor, target: RuntimeTarget): Promise<RuntimePlace> {
  const found = requireVisible(actor, await loadPlace(db, target))
  await access.requireRuntimeManagement(actor, {
    companyId: found.companyId,
    executionWorkspaceId: found.workspace?.id ?? null,
    projectWorkspaceId: found.kind === 'project' ? found.id : null
  })
  requireUsable(found)
  requirePath(found)
  if (found.workspace?.host_id != null && found.workspace.host_id !== hostId) throw new Unprocessable('The files of the workspace are on another host.')
  return withCommands(found)
}

async function factsOf ({ db }: RuntimeControlDeps, place: RuntimePlace, { runtimeServiceId }: RuntimeControlBody) {
  const { commands, services } = place
  const named = runtimeServiceId == null ? null : services.find(({ id }) => id === runtimeServiceId) ?? await formerService(db, place, runtimeServiceId)
  return { commands, hasConfig: place.runtime !== null, services, named }
}

/** A service that was started there before, and is no current one any more. */
async function formerService (db: Db, { owner }: RuntimePlace, id: string): Promise<ServiceRow | null> {
  const row = await findService(db, id)
  return row !== undefined && (row.execution_workspace_id ?? row.project_workspace_id) === owner.id ? row : null
}

/** Runs the request under one operation; `begun` gives its id as soon as it is stored. */
function perform (deps: RuntimeControlDeps, place: RuntimePlace, request: RuntimeRequest, actor: Actor) {
  const begun = Promise.withResolvers<string>()
  begun.promise.catch(() => { /* Whoever waits for it sees it; `ended` fails with the same. */ })
  const step = async (op: OperationHandle) => {
    begun.resolve(op.id)
    return await performAction(deps, { place, request, actor, op })
  }
  const ended = deps.recorder.run(operationInput(place, request, runIdOf(actor)), step)
  ended.catch(error => begun.reject(error))
  return { begun: begun.promise, ended }
}

/** The workspace as GET gives it, after the action; with what was started, also where another workspace shares it. */
async function show ({ db, currentServicesOf }: RuntimeControlDeps, { kind, id, owner }: RuntimePlace, started: readonly ServiceRow[] = []): Promise<ExecutionWorkspace | ProjectWorkspace> {
  if (kind === 'project') {
    const row = await db.selectFrom('project_workspaces').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) throw absent()
    return toProjectWorkspace(row)
  }
  const ids = [owner.id]
  const [row, services] = await Promise.all([
    findWorkspace(db, id),
    currentServicesOf({ executionWorkspaceIds: owner.kind === 'execution' ? ids : [], projectWorkspaceIds: owner.kind === 'project' ? ids : [] })
  ])
  if (row === undefined) throw absent()
  const shown = services.get(owner.id) ?? []
  const missing = started.filter(one => !shown.some(service => service.id === one.id))
  return toWorkspace(row, [...shown, ...missing.map(toRuntimeService)])
}
