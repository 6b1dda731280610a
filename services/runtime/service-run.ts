/** One start of a service: the intent stored, the process spawned, watched until it is ready; or ended again, saying why. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import { insertService, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { ServiceStartFailed, isProblem } from '../errors.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import type { Redactor } from '../operations/redact.ts'
import { isListenedOn } from '../process/port-use.ts'
import { isListening, ownsPort } from '../process/proc-net.ts'
import { spawnProcess, type ProcessExit, type SpawnedProcess } from '../process/spawn.ts'
import { copyServiceLog } from './log-copy.ts'
import type { LiveServices, WatchedService } from './live-services.ts'
import { openServiceLog } from './log-file.ts'
import { assertFree, type Ports } from './ports.ts'
import { waitUntilReady, type Probe, type Readiness } from './readiness.ts'
import { renderService, type Addresses, type RenderedService, type ServicePlan } from './service-plan.ts'
import { endFailedStart, type FailedStart } from './start-failure.ts'
import { toStored } from './stored-definition.ts'

export interface ServiceRunDeps {
  db: Db
  hostId: string
  /** Service logs lie in its folder `logs/services`. */
  dataDir: string
  serviceLogMaxBytes: number
  ports: Ports
  live: LiveServices
  redactor: Redactor
  now: () => Date
}

export interface ServiceRunInput {
  plan: ServicePlan
  addresses: Addresses
  op: OperationHandle
}

/** Everything one attempt knows about itself. */
export interface Attempt extends ServiceRunInput {
  row: ServiceRow
  mark: string
  port: number | null
  rendered: RenderedService
  log: { path: string, fromByte: number }
}

/** So often an automatic port is tried again when another program was quicker. */
const maxAttempts = 3
/** Without readiness a service counts as started once it has lived this long: what fails at once is seen, and nobody waits long. */
const settleMs = 100

/** Where the log of one start of a service lies; `ref` is what the row keeps. Attempts count from 1. */
export function serviceLogPlace (dataDir: string, id: string, attempt: number): { ref: string, path: string } {
  const ref = join('services', `${id}.${attempt}.log`)
  return { ref, path: join(dataDir, 'logs', ref) }
}

/**
 * Starts a service and waits until it is ready. Hold its lock meanwhile.
 * @returns the row, `running`
 * @throws ServiceStartFailed (422): nothing is left running then, and the row is `failed`
 */
export async function runService (deps: ServiceRunDeps, input: ServiceRunInput): Promise<ServiceRow> {
  for (let attempt = 1; ; attempt++) {
    const started = await tryOnce(deps, input)
    if (!('problem' in started)) return started
    const { problem, lostPort } = started
    if (lostPort === null || attempt === maxAttempts) throw problem
    const next = await deps.ports.reserveAnother(input.plan.holderKey, lostPort)
    input.op.log.system(`${input.plan.name}: port ${lostPort} was taken by another program; trying ${next}.`)
  }
}

async function tryOnce (deps: ServiceRunDeps, input: ServiceRunInput): Promise<ServiceRow | FailedStart> {
  const attempt = await prepare(deps, input)
  const { plan, op, row, rendered, mark, port, log } = attempt
  let child: SpawnedProcess
  try {
    child = await spawnProcess({ command: rendered.command, cwd: plan.cwd, env: rendered.env, output: { toFile: log.path } })
  } catch (error) {
    return await endFailedStart(deps, attempt, null, error)
  }
  child.unref()
  const identity = { pid: child.pid, startTime: child.startTime }
  const releaseHolder = plan.lifecycle === 'ephemeral' ? plan.holderKey : null
  const logMaxBytes = plan.entry.log?.maxBytes ?? deps.serviceLogMaxBytes
  const service = deps.live.add({ id: row.id, name: plan.name, identity, mark, port, releaseHolder, logPath: log.path, logMaxBytes, exited: child.exited })
  op.log.system(`${plan.name}: started as process ${child.pid} in ${plan.cwd}${port === null ? '' : `, port ${port}`}.`)
  try {
    const readiness = await watchStart(deps, attempt, service)
    if (!readiness.ready) return await endFailedStart(deps, attempt, service, readiness)
    return await settle(deps, attempt, service, readiness.afterMs)
  } catch (error) {
    return await endFailedStart(deps, attempt, service, error)
  }
}

/** Decides the port, renders, and stores the intent with its mark before anything is started. */
async function prepare ({ db, hostId, dataDir, serviceLogMaxBytes, ports, now }: ServiceRunDeps, input: ServiceRunInput): Promise<Attempt> {
  const { plan, addresses } = input
  const port = await choosePort(plan, ports)
  const id = randomUUID()
  const mark = randomUUID()
  const rendered = renderService(plan, { port, addresses, mark })
  const place = serviceLogPlace(dataDir, id, 1)
  const log = await openServiceLog(place.path)
  const at = now()
  const row = await insertService(db, {
    ...ownerColumns(plan),
    ...definitionColumns(plan),
    id,
    status: 'starting',
    port,
    url: rendered.url,
    provider: 'local_process',
    health_status: 'unknown',
    log_ref: place.ref,
    host_id: hostId,
    spawn_mark: mark,
    definition: JSON.stringify(toStored(plan, serviceLogMaxBytes)),
    last_used_at: at,
    started_at: at,
    created_at: at,
    updated_at: at
  })
  return { ...input, row, mark, port, rendered, log }
}

async function choosePort ({ name, port, holderKey }: ServicePlan, ports: Ports): Promise<number | null> {
  if (port.type === 'auto') {
    const kept = await ports.reserve(holderKey)
    return await isListenedOn(kept) ? await ports.reserveAnother(holderKey, kept) : kept
  }
  if (port.type === 'none') return null
  try {
    await assertFree(port.value)
  } catch (error) {
    if (!isProblem(error)) throw error
    throw new ServiceStartFailed(`${name} did not start: ${error.detail}.`, { members: { ...error.members, service: name, lastLines: [] }, cause: error })
  }
  return port.value
}

function ownerColumns ({ owner, scope }: ServicePlan) {
  return {
    company_id: owner.companyId,
    project_id: owner.projectId,
    project_workspace_id: owner.projectWorkspaceId,
    execution_workspace_id: owner.executionWorkspaceId,
    issue_id: owner.issueId,
    scope_type: scope.scopeType,
    scope_id: scope.scopeId,
    owner_agent_id: owner.agentId,
    started_by_run_id: owner.runId
  }
}

function definitionColumns (plan: ServicePlan) {
  const { command: { definition }, entry } = plan
  return {
    service_name: plan.name,
    lifecycle: plan.lifecycle,
    reuse_key: plan.reuseKey,
    identity_key: plan.identityKey,
    command: definition.command,
    cwd: plan.cwd,
    config_index: definition.serviceIndex,
    stop_policy: entry.stopPolicy === undefined ? null : JSON.stringify(entry.stopPolicy)
  }
}

/** Stores which process it is, and waits until it is ready, has ended, or is told to stop. */
async function watchStart ({ db, now }: ServiceRunDeps, attempt: Attempt, service: WatchedService): Promise<Readiness> {
  const { plan, op, row } = attempt
  const cancelled = new AbortController()
  service.cancelStart = reason => cancelled.abort(reason)
  const signal = AbortSignal.any([op.signal, cancelled.signal])
  const exited = service.exited ?? Promise.resolve({ code: null, signal: null })
  // Stored while the service boots; the mark is there already, so a crash in between loses nothing.
  const stored = updateLiveService(db, row.id, { provider_ref: String(service.identity.pid), pid_start_time: service.identity.startTime }, now())
  stored.catch(() => { /* Awaited below; this keeps an early failure from being unhandled. */ })
  const probe = probeOf(attempt)
  const isOwnListener = () => isOwn(probe, attempt, service)
  const readiness = probe === null
    ? await livesOn(exited, signal)
    : await waitUntilReady({ probe, isOwnListener, exited, timeoutMs: plan.timeoutMs, intervalMs: plan.entry.readiness?.intervalMs, signal })
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

function probeOf ({ plan, port, rendered, log }: Attempt): Probe | null {
  const { readiness } = plan.entry
  switch (readiness?.type) {
    case undefined: return null
    case 'http': return { type: 'http', url: rendered.readinessUrl ?? '' }
    case 'tcp': return { type: 'tcp', port: port ?? 0 }
    case 'log': return { type: 'log', pattern: readiness.pattern ?? '', logPath: log.path, fromByte: log.fromByte }
    case 'command': return { type: 'command', cwd: plan.cwd, command: '', env: {}, ...rendered.readinessCommand }
  }
}

/** A probe of the port itself needs the service's own listener; others only must not find a stranger's there. */
function isOwn (probe: Probe | null, { port }: Attempt, { identity, mark }: WatchedService): boolean {
  if (port === null) return true
  const asksPort = probe?.type === 'tcp' || (probe?.type === 'http' && URL.canParse(probe.url) && new URL(probe.url).port === String(port))
  return (!asksPort && !isListening(port)) || ownsPort({ root: identity, mark }, port)
}

async function settle (deps: ServiceRunDeps, attempt: Attempt, service: WatchedService, afterMs: number): Promise<ServiceRow> {
  const { plan, op, row, log, rendered } = attempt
  const probed = plan.entry.readiness !== undefined
  const at = deps.now()
  const stored = await updateLiveService(deps.db, row.id, { status: 'running', health_status: probed ? 'healthy' : 'unknown', last_used_at: at }, at)
  if (stored === undefined) throw new ServiceStartFailed(`${plan.name} did not start: its record was ended meanwhile.`)
  deps.live.watch(service)
  await copyServiceLog(op, log, rendered.env)
  op.log.system(`${plan.name}: ${probed ? 'ready' : 'running'} after ${afterMs} ms${rendered.url === null ? '' : ` at ${rendered.url}`}.`)
  return stored
}
