/** Does what a runtime request asks for, under its operation: the files made sure of, the workspace shared, services started and stopped. */
import type { WorkspaceRow } from '../../db/execution-workspaces.ts'
import type { Db } from '../../db/client.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import { listOtherUsers, type UsingPlace } from '../../db/service-uses.ts'
import type { Actor } from '../access/actor.ts'
import { CommandDisabled, ServiceStartFailed, Unprocessable, isProblem } from '../errors.ts'
import { Cancellation } from '../operations/cancellation.ts'
import { finishOf } from '../operations/command-run.ts'
import type { JobPlace } from '../operations/job-queue.ts'
import type { Locks } from '../operations/locks.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { throughOutage } from '../operations/through-outage.ts'
import type { WorkspaceCommand } from '../runtime/commands.ts'
import { runJob } from '../runtime/jobs.ts'
import { planService } from '../runtime/service-plan.ts'
import { startSet } from '../runtime/start-set.ts'
import { failedStopMetadata, stopMetadata, stopsGoOn } from '../runtime/stop-metadata.ts'
import type { StartedService, StopInput, Supervisor } from '../runtime/supervisor.ts'
import { recordRequest, type ActionStatus } from './desired-record.ts'
import { waitForTurn } from './job-turn.ts'
import { ownerOf, placeLock, requireStillUsable, type RuntimePlace } from './runtime-place.ts'
import type { RuntimeRequest } from './runtime-request.ts'
import { addressesFor, openSession, type Session, type SessionDeps } from './runtime-session.ts'

export interface RuntimeActionsDeps extends SessionDeps {
  locks: Locks
  supervisor: Supervisor
  /** Whether nothing has to be done to a workspace's files before something is run there; changes nothing. */
  filesReady: (row: WorkspaceRow) => Promise<boolean>
  /** Makes sure of a workspace's files; takes its own locks. */
  ensureFiles: (row: WorkspaceRow, options: { runId: string | null, signal: AbortSignal }) => Promise<WorkspaceRow>
  now: () => Date
}

export interface ActionInput {
  place: RuntimePlace
  request: RuntimeRequest
  actor: Actor
  op: OperationHandle
  /** Whether the workspace's files are as they should be; looked at while the operation is stored. */
  filesReady: Promise<boolean>
  /** Told once the services are as the action leaves them, where that is before it is recorded. */
  onEffect: () => void
  /** Of a job: its place among those that want to run. */
  turn: JobPlace | null
}

/** What an action has come to. */
export interface Performed {
  started: ServiceRow[]
  /** The workspace with the record of it; null where that is older, or there is none. */
  workspace: WorkspaceRow | null
}

type Recording = (status: ActionStatus, usedByOthers?: readonly number[]) => Promise<WorkspaceRow | null>

/** With the way to record that it was done, in the transaction of what it changes. */
interface RecordedInput extends ActionInput {
  record: Recording
}

/** With what its commands share. */
interface StartingInput extends RecordedInput {
  session: Session
}

/**
 * Carries out a decided request and records it as activity, whichever way it ends; the operation is finished
 * already where the request itself says how it ended (a job).
 */
export async function performAction (deps: RuntimeActionsDeps, input: ActionInput): Promise<Performed> {
  const { request, op } = input
  const record = recordOnce(deps, input)
  if (request.action === 'stop') op.refuseCancel(stopsGoOn)
  try {
    // The files are looked at meanwhile: mostly they are as they should be. Making sure of them takes locks of its own.
    const atOnce = await withPlace(deps, input, async () => await input.filesReady ? await carryOut(deps, { ...input, record }) : null)
    if (atOnce !== null) return atOnce
    // It needs the place alone for that, which those behind it may hold while they wait for their turns.
    input.turn?.stepAside()
    const there = { ...input, place: await ensureFiles(deps, input) }
    return await withPlace(deps, there, async () => await carryOut(deps, { ...there, record }))
  } catch (error) {
    await record('failed')
    if (request.action === 'run' && op.signal.reason instanceof Cancellation) return await endUnbegun(op)
    throw error
  }
}

/** Shares the place with others that run things there. */
async function withPlace<T> ({ locks }: RuntimeActionsDeps, { request, op, place }: ActionInput, step: () => Promise<T>): Promise<T> {
  const words = request.command === null ? 'services' : request.command.definition.name
  return await locks.withLock({ ...placeLock(place, `${request.action} of ${words}`), operationId: op.id, signal: op.signal }, async held => {
    requireStillUsable(place, held)
    return await step()
  })
}

async function carryOut (deps: RuntimeActionsDeps, input: RecordedInput): Promise<Performed> {
  const { request, place, actor } = input
  if (request.action === 'stop') return await stopServices(deps, input)
  const session = await openSession(deps, place, ownerOf(place, actor))
  return await (request.action === 'run' ? runOneJob : startServices)(deps, { ...input, session })
}

/** A job that was cancelled before it began has a result like one that was cancelled later. */
async function endUnbegun (op: OperationHandle): Promise<Performed> {
  await op.finish({ status: 'cancelled' })
  return { started: [], workspace: null }
}

/** Remembers what was asked for and writes the activity row; the first call counts. */
function recordOnce ({ db, now }: RuntimeActionsDeps, { place, request, actor, op }: ActionInput): Recording {
  let recorded = false
  return async (status, usedByOthers = []) => {
    if (recorded) return null
    recorded = true
    return await throughOutage(async () => await recordRequest(db, { place, request, usedByOthers, actor, operationId: op.id, status, now: now() }))
  }
}

/** The place with its workspace as it is once its files are there. */
async function ensureFiles ({ ensureFiles: ensure }: RuntimeActionsDeps, { place, actor, op }: ActionInput): Promise<RuntimePlace> {
  if (place.workspace === null) return place
  const workspace = await ensure(place.workspace, { runId: ownerOf(place, actor).runId, signal: op.signal })
  return { ...place, workspace, cwd: workspace.cwd }
}

async function stopServices (deps: RuntimeActionsDeps, input: RecordedInput): Promise<Performed> {
  const { db } = deps
  const { place, request } = input
  const begin = async () => await input.record('begun', place.owner.kind === 'project' ? await usedByOthers(db, place, request) : [])
  // Before anything is ended, so that a crash in between does not bring back what was to be stopped.
  const begun = begin()
  await Promise.all([stopRequested(deps, input, { leaving: usingPlace(place), before: begun }), begun])
  return { started: [], workspace: null }
}

/** Indexes of the services to be stopped that others use; asked for where their wanted state is others' too. */
async function usedByOthers (db: Db, place: RuntimePlace, { stop }: RuntimeRequest): Promise<number[]> {
  const keys = stop.flatMap(({ reuse_key: key }) => key ?? [])
  const used = new Set((await listOtherUsers(db, keys, usingPlace(place))).map(({ reuseKey }) => reuseKey))
  return stop.flatMap(row => used.has(row.reuse_key ?? '') ? row.config_index ?? [] : [])
}

/**
 * Stops what the request says, and keeps the proof in the operation's metadata either way.
 * @param how who needs them no more: what others use goes on
 */
async function stopRequested ({ supervisor }: RuntimeActionsDeps, { request, op }: ActionInput, how: Pick<StopInput, 'leaving' | 'before'>): Promise<void> {
  if (request.stop.length === 0) op.log.system('Nothing was running.')
  try {
    op.annotate(stopMetadata(await supervisor.stopAll(request.stop, { ...how, op, reason: 'It was stopped on request.' })))
  } catch (error) {
    op.annotate(failedStopMetadata(error))
    throw error
  }
}

/** For whom it is used: the workspace of the path, also where it borrows the services of its project workspace. */
function usingPlace ({ kind, id }: RuntimePlace): UsingPlace {
  return { kind, id }
}

async function startServices (deps: RuntimeActionsDeps, input: StartingInput): Promise<Performed> {
  const { place, request, op, session } = input
  const restart = request.action === 'restart'
  if (restart) await stopRequested(deps, input, { leaving: null })
  const { started, failure } = await startSet(place.commands, request.start, async (command, onSpawned) => await startOne(deps, input, session, command, onSpawned))
  const services = started.flatMap(({ value }) => value ?? [])
  if (failure !== null) {
    await stopAgain(deps, op, services, usingPlace(place))
    throw startProblem(failure.error, restart && request.stop.length > 0)
  }
  const [only] = services
  op.annotate({ runtimeServiceCount: services.length, ...(services.length === 1 && only !== undefined ? { runtimeServiceId: only.row.id } : {}) })
  input.onEffect()
  const [workspace] = await Promise.all([input.record('succeeded'), op.finish({ status: 'succeeded' })])
  return { started: services.map(({ row }) => row), workspace }
}

/** A service is started; a job that a service needs is run to its end. */
async function startOne (deps: RuntimeActionsDeps, { place, op }: RecordedInput, session: Session, command: WorkspaceCommand, onSpawned: () => void): Promise<StartedService | null> {
  const { name, kind, disabledReason } = command.definition
  if (disabledReason !== null) throw new CommandDisabled(`${name} is needed, but disabled: ${disabledReason}`)
  const addresses = await addressesFor(deps, place, session, command)
  if (kind === 'service') return await deps.supervisor.start({ plan: planService({ ...session, command }), addresses, op, onSpawned, place: usingPlace(place) })
  op.log.system(`${name}: running it first.`)
  const { exitCode, outcome } = await runJob({ ...session, command, addresses, op, onSpawned })
  if (outcome === 'exited' && exitCode === 0) return null
  throw new ServiceStartFailed(`The job ${name} is needed first, and ${outcome === 'exited' ? `ended with code ${exitCode}` : outcome.replace('_', ' ')}.`, {
    members: { service: name, cause: { reason: 'dependency_failed', exitCode } }
  })
}

/** A start that fails leaves nothing of itself: what it started before is stopped again, what ran already stays. */
async function stopAgain ({ supervisor }: RuntimeActionsDeps, op: OperationHandle, services: readonly StartedService[], leaving: UsingPlace): Promise<void> {
  const rows: ServiceRow[] = services.filter(({ reused }) => !reused).map(({ row }) => row)
  if (rows.length === 0) return
  op.log.system('What was started before is stopped again.')
  await supervisor.stopAll(rows, { op, reason: 'Another service of the same request did not start.', leaving })
}

function startProblem (error: unknown, wasStopped: boolean): unknown {
  if (!wasStopped || !isProblem(error) || error.code !== 'service_start_failed') return error
  return new ServiceStartFailed(`It was stopped for the restart, and is not running now. ${error.detail}`, { members: error.members, cause: error })
}

/** A job that fails is a result, not an error: the operation says so. */
async function runOneJob (deps: RuntimeActionsDeps, input: StartingInput): Promise<Performed> {
  const { place, request, op, session, turn } = input
  const [command] = request.start
  if (command === undefined) throw new Unprocessable('There is no job to run.')
  const addresses = await addressesFor(deps, place, session, command)
  if (turn !== null) await waitForTurn(turn, op)
  const finish = finishOf(op, await runJob({ ...session, command, addresses, op }))
  // Nothing of it runs any more: the next one need not wait for what is written down of this one.
  turn?.leave()
  input.onEffect()
  const [workspace] = await Promise.all([input.record(finish.status === 'succeeded' ? 'succeeded' : 'failed'), op.finish(finish)])
  return { started: [], workspace }
}
