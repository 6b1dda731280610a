/** One start of a service: the intent stored, the process spawned, watched until it is ready; or ended again, saying why. */
import { setTimeout } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import { updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { ServiceStartFailed } from '../errors.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import type { Redactor } from '../operations/redact.ts'
import { listenerOf } from '../process/listener.ts'
import { spawnProcess, type ProcessExit, type SpawnedProcess } from '../process/spawn.ts'
import { healthPlanOf } from './health.ts'
import { copyServiceLog } from './log-copy.ts'
import type { LiveServices, WatchedService } from './live-services.ts'
import type { Ports } from './ports.ts'
import type { Probe } from './probe.ts'
import { waitUntilReady, type Readiness } from './readiness.ts'
import type { Restarts } from './restarts.ts'
import { prepareAttempt, type Attempt } from './service-intent.ts'
import type { Addresses, ServicePlan } from './service-plan.ts'
import { endFailedStart, failStart, type FailedStart } from './start-failure.ts'

export interface ServiceRunDeps {
  db: Db
  hostId: string
  /** Service logs lie in its folder `logs/services`. */
  dataDir: string
  serviceLogMaxBytes: number
  ports: Ports
  live: LiveServices
  restarts: Restarts
  redactor: Redactor
  now: () => Date
}

export interface ServiceRunInput {
  plan: ServicePlan
  addresses: Addresses
  op: OperationHandle
  /** The automatic port kept for it, where that has been asked for already. */
  reserved?: Promise<number> | null
  /** Told once its process is there, before it is ready. */
  onSpawned?: (() => void) | undefined
}

/** So often an automatic port is tried again when another program was quicker. */
const maxPortAttempts = 3
/** Without readiness a service counts as started once it has lived this long: what fails at once is seen, and nobody waits long. */
const settleMs = 100

/**
 * Starts a service and waits until it is ready. Hold its lock meanwhile.
 * @param restarted the row of a service that is started again by its policy; else a new row is made
 * @returns the row, `running`
 * @throws ServiceStartFailed (422): nothing is left running then. A new row is `failed`; what becomes of one that is restarted is the caller's to settle
 */
export async function runService (deps: ServiceRunDeps, input: ServiceRunInput, restarted: ServiceRow | null = null): Promise<ServiceRow> {
  let row = restarted
  for (let portAttempt = 1; ; portAttempt++) {
    const attempt = await prepareAttempt(deps, input, row)
    const started = await tryOnce(deps, attempt)
    if (!('problem' in started)) return started
    if (started.lostPort === null || portAttempt === maxPortAttempts) {
      if (restarted === null) await failStart(deps, attempt, started)
      throw started.problem
    }
    const next = await deps.ports.reserveAnother(input.plan.holderKey, started.lostPort)
    input.op.log.system(`${input.plan.name}: port ${started.lostPort} was taken by another program; trying ${next}.`)
    row = attempt.row
  }
}

async function tryOnce (deps: ServiceRunDeps, attempt: Attempt): Promise<ServiceRow | FailedStart> {
  const { plan, op, row, rendered, mark, port, log } = attempt
  let child: SpawnedProcess
  try {
    await plan.environment.requireFolder(plan.cwd, plan.context)
    child = await spawnProcess({ command: rendered.command, cwd: plan.cwd, env: rendered.env, output: { toFile: log.path }, user: plan.environment.user, ...(plan.entry.limits === undefined ? {} : { group: { mark, limits: plan.entry.limits } }) }, { launch: plan.environment.launch })
  } catch (error) {
    return await endFailedStart(deps, attempt, null, error)
  }
  child.unref()
  const service = deps.live.add({
    id: row.id,
    name: plan.name,
    identity: { pid: child.pid, startTime: child.startTime, begunBefore: child.begunBefore ?? null },
    mark,
    logPath: log.path,
    env: rendered.env,
    logMaxBytes: plan.entry.log?.maxBytes ?? deps.serviceLogMaxBytes,
    health: healthPlanOf(plan.entry, attempt.probe),
    exited: child.exited
  })
  op.log.system(`${plan.name}: started as process ${child.pid} in ${plan.cwd}${port === null ? '' : `, port ${port}`}.`)
  if (child.limitsProblem !== null) op.log.system(`${plan.name}: ${child.limitsProblem}`)
  attempt.onSpawned?.()
  try {
    const readiness = await watchStart(deps, attempt, service)
    if (!readiness.ready) return await endFailedStart(deps, attempt, service, readiness)
    return await settle(deps, attempt, service, readiness.afterMs)
  } catch (error) {
    return await endFailedStart(deps, attempt, service, error)
  }
}

/** Stores which process it is, and waits until it is ready, has ended, or is told to stop. */
async function watchStart ({ db, now }: ServiceRunDeps, attempt: Attempt, service: WatchedService): Promise<Readiness> {
  const { plan, op, row, probe } = attempt
  const cancelled = new AbortController()
  service.cancelStart = reason => cancelled.abort(reason)
  const signal = AbortSignal.any([op.signal, cancelled.signal])
  const exited = service.exited ?? Promise.resolve({ code: null, signal: null })
  // Stored while the service boots; the mark is there already, so a crash in between loses nothing.
  const stored = updateLiveService(db, row.id, { provider_ref: String(service.identity.pid), pid_start_time: service.identity.startTime }, now())
  stored.catch(() => { /* Awaited below; this keeps an early failure from being unhandled. */ })
  const isOwnListener = async () => await isOwn(probe, attempt, service)
  const readiness = probe === null
    ? await livesOn(exited, signal)
    : await waitUntilReady({ probe, launch: plan.environment.launch, isOwnListener, exited, timeoutMs: plan.timeoutMs, intervalMs: plan.entry.readiness?.intervalMs, signal })
  service.cancelStart = null
  await stored
  return readiness
}

/** Nothing to probe: that it is still there after a moment is all that can be asked. */
async function livesOn (exited: Promise<ProcessExit>, signal: AbortSignal): Promise<Readiness> {
  const begun = performance.now()
  const settled = new AbortController()
  const pause = setTimeout(settleMs, null, { signal: AbortSignal.any([signal, settled.signal]) }).catch(() => null)
  const exit = await Promise.race([exited, pause])
  settled.abort()
  const afterMs = Math.round(performance.now() - begun)
  if (exit === null && !signal.aborted) return { ready: true, afterMs }
  return { ready: false, reason: exit === null ? 'aborted' : 'exited', exit, lastResult: 'there is nothing to probe', afterMs }
}

/** A probe of the port itself needs the service's own listener; others only must not find a stranger's there. */
async function isOwn (probe: Probe | null, { port }: Attempt, { identity, mark }: WatchedService): Promise<boolean> {
  if (port === null) return true
  const asksPort = probe?.type === 'tcp' || (probe?.type === 'http' && URL.canParse(probe.url) && new URL(probe.url).port === String(port))
  const listener = await listenerOf({ root: identity, mark }, port)
  return asksPort ? listener === 'own' : listener !== 'foreign'
}

async function settle (deps: ServiceRunDeps, attempt: Attempt, service: WatchedService, afterMs: number): Promise<ServiceRow> {
  const { plan, op, row, log, rendered } = attempt
  const probed = plan.entry.readiness !== undefined
  const at = deps.now()
  const [stored] = await Promise.all([
    updateLiveService(deps.db, row.id, {
      status: 'running', health_status: probed ? 'healthy' : 'unknown', last_used_at: at, ready_at: at, exit_code: null, exit_signal: null, exit_reason: null
    }, at),
    copyServiceLog(op, log, rendered.env)
  ])
  if (stored === undefined) throw new ServiceStartFailed(`${plan.name} did not start: its record was ended meanwhile.`)
  deps.live.watch(service)
  op.log.system(`${plan.name}: ${probed ? 'ready' : 'running'} after ${afterMs} ms${rendered.url === null ? '' : ` at ${rendered.url}`}.`)
  return stored
}
