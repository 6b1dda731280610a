/** Runtime control end to end: who may, what is meant, one operation for it, and the answer. */
import type { Db } from '../../db/client.ts'
import { findService, isLiveRow, type ServiceRow } from '../../db/runtime-services.ts'
import type { ProjectWorkspace } from '../../openapi/schemas/directory.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { runtimeActions, type RuntimeAction, type RuntimeControlBody } from '../../openapi/schemas/runtime.ts'
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { absent, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { isProblem, RouteNotFound } from '../errors.ts'
import type { OnBegun } from '../operations/begun.ts'
import type { JobQueue } from '../operations/job-queue.ts'
import type { OperationHandle, Recorder } from '../operations/recorder.ts'
import { throughOutage } from '../operations/through-outage.ts'
import { servicesOf, type WorkspaceCommand } from '../runtime/commands.ts'
import { startOrder } from '../runtime/dependencies.ts'
import { desiredRunning } from '../runtime/desired-state.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'
import { storedDefinition } from '../runtime/stored-definition.ts'
import { performAction, type RuntimeActionsDeps } from './runtime-actions.ts'
import { readEarly, showPlace, type RuntimeAnswerDeps } from './runtime-answer.ts'
import { loadPlace, loadPlaceWithServices, ownerOf, requireOnHost, requirePath, requireUsable, servicesAt, withCommands, type FoundPlace, type RunOwner, type RuntimePlace, type RuntimeTarget } from './runtime-place.ts'
import { operationInput } from './runtime-operation.ts'
import { decideRequest, servicesOfCommand, type RuntimeRequest } from './runtime-request.ts'

export interface RuntimeControlDeps extends RuntimeActionsDeps, RuntimeAnswerDeps {
  hostId: string
  access: RuntimeAccess
  recorder: Recorder
  jobs: JobQueue
  readOperation: (id: string) => Promise<WorkspaceOperation | null>
  /** Throws InsufficientStorage (507) when the disk is nearly full. */
  requireRoom: () => Promise<void>
  log: RuntimeLog
}

export interface RuntimeAnswer<Workspace = ExecutionWorkspace | ProjectWorkspace> {
  workspace: Workspace
  operation: WorkspaceOperation
}

export interface ControlOptions<Workspace> {
  onBegun?: OnBegun<RuntimeAnswer<Workspace>> | undefined
}

export interface RuntimeControl {
  /**
   * Starts, stops or restarts services, or runs a job.
   * @param action `start`, `stop`, `restart` or `run`, in any case
   * @throws RouteNotFound, NotFound, CommandNotFound, RuntimeServiceNotFound (404), Forbidden (403), WorkspaceStateConflict, WorkspaceBusy (409),
   *   NoLocalPath, NoRuntimeConfig, ServiceIndexOutOfRange, WrongAction, CommandDisabled, ServiceStartFailed, StopIncomplete (422), InsufficientStorage (507) for anything but a stop
   */
  control (actor: Actor, target: Extract<RuntimeTarget, { kind: 'execution' }>, action: string, body: RuntimeControlBody, options?: ControlOptions<ExecutionWorkspace>): Promise<RuntimeAnswer<ExecutionWorkspace>>
  control (actor: Actor, target: Extract<RuntimeTarget, { kind: 'project' }>, action: string, body: RuntimeControlBody, options?: ControlOptions<ProjectWorkspace>): Promise<RuntimeAnswer<ProjectWorkspace>>
  control (actor: Actor, target: RuntimeTarget, action: string, body: RuntimeControlBody, options?: ControlOptions<ExecutionWorkspace | ProjectWorkspace>): Promise<RuntimeAnswer>
  /** Starts those services of a place that should run and don't, each by an operation of its own, as the service itself. */
  bringBack (target: RuntimeTarget): Promise<BroughtBack>
  /**
   * Starts every enabled service of a place for a run, or reuses what runs already. Null when there is nothing to start.
   * Access is decided by the caller.
   * @throws what `control` throws for a start
   */
  startForRun (actor: Actor, place: FoundPlace, owner: RunOwner): Promise<StartedForRun | null>
}

export interface StartedForRun {
  /** What was started or reused. */
  services: ServiceRow[]
  operation: WorkspaceOperation
}

/** How many were started, and what went wrong with others, in words. */
export interface BroughtBack {
  started: number
  problems: string[]
}

export function createRuntimeControl (deps: RuntimeControlDeps): RuntimeControl {
  async function control (actor: Actor, target: RuntimeTarget, action: string, body: RuntimeControlBody, { onBegun }: ControlOptions<ExecutionWorkspace | ProjectWorkspace> = {}) {
    const known = actionOf(action)
    const { place, services: current } = await openPlace(deps, actor, target, asksForServices(known, body))
    const request = decideRequest(known, body, await factsOf(deps, place, current, body))
    if (request.action !== 'stop') await deps.requireRoom()
    const { begun, effect, ended } = perform(deps, place, request, actor)
    if (onBegun !== undefined) {
      begun.then(operationId => onBegun({ operationId, answer: async () => await answerNow(deps, place, operationId) }), () => { /* `ended` fails with the same. */ })
    }
    // Read while the end is stored. A stop was recorded when it began; of the others the record gives the row.
    const seen = effect.then(async () => await throughOutage(async () => await readEarly(deps, place, { row: request.action === 'stop' })))
    seen.catch(() => { /* Awaited below; this keeps an early failure from being unhandled. */ })
    const { operation, value } = await ended
    const { services, workspace } = await seen
    // It is done: who hears of a failure would have it done again.
    const shown = await throughOutage(async () => await showPlace(deps, place, { services, workspace: value.workspace ?? workspace }, value.started))
    return { workspace: shown, operation }
  }
  // One function for both kinds of workspace; the overloads say which shape belongs to which target.
  return { control: control as RuntimeControl['control'], bringBack: async target => await bringBack(deps, target), startForRun: async (actor, place, owner) => await startForRun(deps, actor, place, owner) }
}

/** The answer while the operation is under way. */
async function answerNow (deps: RuntimeControlDeps, place: RuntimePlace, operationId: string): Promise<RuntimeAnswer> {
  const [workspace, operation] = await Promise.all([showPlace(deps, place), deps.readOperation(operationId)])
  if (operation === null) throw absent()
  return { workspace, operation }
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

function wantedCommands ({ commands, desired }: RuntimePlace): WorkspaceCommand[] {
  const services = servicesOf(commands)
  const wanted = desiredRunning(desired, services.length).flatMap(index => services[index] ?? [])
  return startOrder(services, wanted.filter(command => command.definition.disabledReason === null && isForEverybody(command)))
}

/** Services of a run, an agent or a call are not brought back: those they belonged to may be gone. */
function isForEverybody ({ definition, entry }: WorkspaceCommand): boolean {
  return definition.lifecycle === 'shared' && entry.reuseScope !== 'run' && entry.reuseScope !== 'agent'
}

async function startForRun (deps: RuntimeControlDeps, actor: Actor, found: FoundPlace, owner: RunOwner): Promise<StartedForRun | null> {
  if (found.runtime === null || found.cwd === null) return null
  const place: RuntimePlace = { ...withCommands(found), startedFor: owner }
  const services = await servicesAt(deps.db, place.owner)
  // Each start of an ephemeral service makes a new one, and the run needs only one of each.
  const ofRun = services.filter(row => isLiveRow(row) && row.lifecycle === 'ephemeral' && row.started_by_run_id === owner.runId)
  const there = new Set(ofRun.map(row => storedDefinition(row, 0).commandId))
  const start = servicesOf(place.commands).filter(({ definition }) => definition.disabledReason === null && !there.has(definition.id))
  if (start.length === 0) return null
  await deps.requireRoom()
  const remembered = start.filter(isForEverybody).flatMap(({ definition }) => definition.serviceIndex ?? [])
  const request: RuntimeRequest = { action: 'start', command: null, runtimeServiceId: null, start, stop: [], remember: remembered.length === 0 ? null : remembered }
  const { operation, value } = await perform(deps, place, request, actor).ended
  return { operation, services: value.started }
}

/** @throws RouteNotFound (404) */
function actionOf (action: string): RuntimeAction {
  const known = runtimeActions.find(one => one === action.toLowerCase())
  if (known === undefined) throw new RouteNotFound(`There is no runtime action ${action}; there are ${runtimeActions.join(', ')}.`)
  return known
}

/** Whether what a request means depends on the services there are. */
function asksForServices (action: RuntimeAction, { runtimeServiceId }: RuntimeControlBody): boolean {
  return action === 'stop' || action === 'restart' || runtimeServiceId != null
}

/** The place, once the actor may see and manage it and its state has room for running things; with its services, or with none where they are not asked for. */
async function openPlace ({ db, access, hostId }: RuntimeControlDeps, actor: Actor, target: RuntimeTarget, withServices: boolean): Promise<{ place: RuntimePlace, services: ServiceRow[] }> {
  const see = (row: { company_id: string }) => { requireVisible(actor, row) }
  const loaded = withServices ? await loadPlaceWithServices(db, target, see) : { place: await loadPlace(db, target, see), services: [] }
  const found = requireVisible(actor, loaded?.place)
  await access.requireRuntimeManagement(actor, {
    companyId: found.companyId,
    executionWorkspaceId: found.workspace?.id ?? null,
    projectWorkspaceId: found.kind === 'project' ? found.id : null
  })
  requireUsable(found)
  requirePath(found)
  requireOnHost(found, hostId)
  return { place: withCommands(found), services: loaded?.services ?? [] }
}

async function factsOf ({ db }: RuntimeControlDeps, place: RuntimePlace, services: readonly ServiceRow[], { runtimeServiceId }: RuntimeControlBody) {
  const { commands } = place
  const named = runtimeServiceId == null ? null : services.find(({ id }) => id === runtimeServiceId) ?? await formerService(db, place, runtimeServiceId)
  return { commands, hasConfig: place.runtime !== null, services, named }
}

/** A service that was started there before, and is no current one any more. */
async function formerService (db: Db, { owner, id: placeId }: RuntimePlace, id: string): Promise<ServiceRow | null> {
  const row = await findService(db, id)
  const home = row?.execution_workspace_id ?? row?.project_workspace_id
  // What is shown of a workspace that borrows the services of its project workspace may still be its own.
  return row !== undefined && (home === owner.id || home === placeId) ? row : null
}

/**
 * Runs the request under one operation; `begun` gives its id as soon as it is stored. `effect` resolves before `ended` does,
 * once the services are as the action leaves them; never when it fails.
 */
function perform (deps: RuntimeControlDeps, place: RuntimePlace, request: RuntimeRequest, actor: Actor) {
  const begun = Promise.withResolvers<string>()
  const turn = request.action === 'run' ? deps.jobs.join(`${place.kind}:${place.id}`) : null
  begun.promise.catch(() => { /* Whoever waits for it sees it; `ended` fails with the same. */ })
  const effect = Promise.withResolvers<void>()
  // What keeps them from being looked at is met again, and told, when they are made sure of.
  const filesReady = request.action === 'stop' || place.workspace === null ? Promise.resolve(true) : deps.filesReady(place.workspace).catch(() => false)
  const step = async (op: OperationHandle) => {
    turn?.name(op.id)
    begun.resolve(op.id)
    const performed = await performAction(deps, { place, request, actor, op, filesReady, turn, onEffect: effect.resolve })
    effect.resolve()
    return performed
  }
  const ended = deps.recorder.run(operationInput(place, request, ownerOf(place, actor).runId), step, { queued: turn?.goesAtOnce === false })
    .finally(() => turn?.leave())
  ended.catch(error => begun.reject(error))
  return { begun: begun.promise, effect: effect.promise, ended }
}
