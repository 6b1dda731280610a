/** Starting a service under its lock: the one that runs already, or a new one once nothing stands in its way. */
import { isUniqueViolation } from '../../db/errors.ts'
import { findLiveRivals, findService, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { addServiceUse, dropServiceUse, type UsingPlace } from '../../db/service-uses.ts'
import { isProblem, WorkspaceBusy } from '../errors.ts'
import { Cancellation } from '../operations/cancellation.ts'
import type { LockRequest } from '../operations/locks.ts'
import { isAlive } from '../process/tree.ts'
import { adoptService, endLostService } from './adopt.ts'
import { settleEnd } from './service-end.ts'
import type { ServicePlan } from './service-plan.ts'
import { runService, type ServiceRunInput } from './service-run.ts'
import { identityOf, queueMs, stopUnderLock, type LockedDeps } from './service-stop.ts'

export interface StartInput extends ServiceRunInput {
  /** The workspace it is started for: uses it until it stops it. */
  place: UsingPlace
}

export interface StartedService {
  row: ServiceRow
  /** It ran already. */
  reused: boolean
}

/**
 * Starts a service, or answers with the one of the same identity that runs already.
 * @param replace whether one that runs by an older definition of the same command gives way first
 * @throws ServiceStartFailed (422), WorkspaceBusy (409), StopIncomplete (422)
 */
export async function startUnderLock (deps: LockedDeps, input: StartInput, replace = true): Promise<StartedService> {
  const { reuseKey, identityKey } = input.plan
  const outcome = await deps.locks.withLock(startLock(input), async () => {
    const withPort = { ...input, reserved: reservePort(deps, input) }
    if (reuseKey === null) return await startOrReuse(deps, withPort, undefined)
    const live = await findLiveRivals(deps.db, { reuseKey, identityKey })
    const older = live.filter(row => row.reuse_key !== reuseKey)
    if (replace && older.length > 0) return older
    return await startAsUser(deps, withPort, reuseKey, live.find(row => row.reuse_key === reuseKey))
  })
  if (!Array.isArray(outcome)) return outcome
  // Each has a lock of its own, taken while we hold none: two that replace each other would wait for ever.
  await stopOlder(deps, input, outcome)
  return await startUnderLock(deps, input, false)
}

/** Asked for while others of its kind are looked for; null where it has no automatic port. */
function reservePort ({ ports }: LockedDeps, { plan: { port, holderKey } }: StartInput): Promise<number> | null {
  if (port.type !== 'auto') return null
  const reserved = ports.reserve(holderKey)
  reserved.catch(() => { /* Who needs the port meets it. */ })
  return reserved
}

/** With the place noted as a user of the service: under its lock, so that nobody who stops it overlooks this one; stored while it boots. */
async function startAsUser (deps: LockedDeps, input: StartInput, reuseKey: string, live: ServiceRow | undefined): Promise<StartedService> {
  const used = addServiceUse(deps.db, reuseKey, input.place)
  used.catch(() => { /* Awaited below; this keeps an early failure from being unhandled. */ })
  try {
    const started = await startOrReuse(deps, input, live)
    await used
    return started
  } catch (error) {
    await used.then(async () => await dropServiceUse(deps.db, reuseKey, input.place))
    throw error
  }
}

/**
 * Starts a service that backs off again, if it still does; null when it does not any more.
 * @throws ServiceStartFailed (422) and what the plan throws: the row is settled by its policy then
 */
export async function restartUnderLock (deps: LockedDeps, id: string, input: ServiceRunInput): Promise<ServiceRow | null> {
  const begin = async (): Promise<ServiceRow | null> => {
    const row = await findService(deps.db, id)
    return row?.status === 'backing_off' ? await runService(deps, input, row).catch(settle) : null
  }
  let settled = false
  const settle = async (error: unknown): Promise<never> => {
    if (!settled) await failRestart(deps, id, error, input.op.signal)
    settled = true
    throw error
  }
  // Settled under the lock where it was begun, else when the lock was not to be had.
  return await deps.locks.withLock(startLock(input), begin).catch(settle)
}

/** A restart came to nothing: its policy decides what follows; nothing does where somebody cancelled it (the operation's signal tells). */
export async function failRestart (deps: LockedDeps, id: string, error: unknown, signal?: AbortSignal): Promise<void> {
  const reason = isProblem(error) ? error.detail : error instanceof Error ? error.message : String(error)
  await settleEnd(deps, id, { cause: 'not_ready', exit: null }, { why: /[.!?]$/.test(reason) ? reason : `${reason}.`, isFinal: signal?.reason instanceof Cancellation })
}

function startLock ({ plan, op }: ServiceRunInput): LockRequest {
  return {
    resource: `service:${plan.reuseKey ?? plan.holderKey}`,
    mode: 'exclusive',
    purpose: `starting ${plan.name}`,
    operationId: op.id,
    waitMs: plan.timeoutMs + plan.graceMs + queueMs,
    signal: op.signal
  }
}

async function startOrReuse (deps: LockedDeps, input: StartInput, live: ServiceRow | undefined): Promise<StartedService> {
  const { plan, op } = input
  const running = live === undefined ? null : await takeRunning(deps, plan, live)
  if (running === null) return { row: await runService(deps, input).catch(asBusy(plan)), reused: false }
  op.log.system(`${plan.name}: runs already as process ${running.provider_ref}${running.url === null ? '' : ` at ${running.url}`}.`)
  input.onSpawned?.()
  return { row: running, reused: true }
}

/** The live one if it runs, or null once nothing is left of it. */
async function takeRunning (deps: LockedDeps, { name }: ServicePlan, row: ServiceRow): Promise<ServiceRow | null> {
  if (row.host_id !== deps.hostId) throw new WorkspaceBusy(`${name} runs on another host.`)
  const identity = identityOf(row)
  if (row.status === 'running' && row.health_status !== 'unhealthy' && identity !== null && isAlive(identity)) {
    if (deps.live.get(row.id) === undefined) await adoptService(deps, row, identity)
    return await updateLiveService(deps.db, row.id, { last_used_at: deps.now() }, deps.now()) ?? null
  }
  // We hold the lock, so nobody is starting it: it waits for its restart, was left by a crash or a stop that failed, or its exit is just being seen.
  await endLostService(deps, row)
  return null
}

/** Services that run by an older definition of this command give way to the new one, unless others use them. */
async function stopOlder (deps: LockedDeps, { plan, op, place }: StartInput, older: readonly ServiceRow[]): Promise<void> {
  for (const row of older) {
    op.log.system(`${plan.name}: its definition has changed; the one that runs by the old definition is stopped.`)
    await stopUnderLock(deps, row, { op, reason: 'Its definition was changed and it was started anew.', leaving: place })
  }
}

function asBusy ({ name }: ServicePlan) {
  return (error: unknown): never => {
    // Another host was quicker; its lock had gone stale or was not seen yet.
    if (isUniqueViolation(error, 'runtime_services_one_live')) throw new WorkspaceBusy(`${name} is being started elsewhere.`, { cause: error })
    throw error
  }
}
