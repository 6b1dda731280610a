/** Starting a service under its lock: the one that runs already, or a new one once nothing stands in its way. */
import { isUniqueViolation } from '../../db/errors.ts'
import { findLiveByReuseKey, findLiveRivals, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { WorkspaceBusy } from '../errors.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { isAlive } from '../process/tree.ts'
import { adoptService, endLostService } from './adopt.ts'
import type { Addresses, ServicePlan } from './service-plan.ts'
import { runService } from './service-run.ts'
import { identityOf, queueMs, stopUnderLock, type LockedDeps } from './service-stop.ts'

export interface StartInput {
  plan: ServicePlan
  addresses: Addresses
  op: OperationHandle
}

export interface StartedService {
  row: ServiceRow
  /** It ran already. */
  reused: boolean
}

/**
 * Starts a service, or answers with the one of the same identity that runs already.
 * @throws ServiceStartFailed (422), WorkspaceBusy (409), StopIncomplete (422)
 */
export async function startUnderLock (deps: LockedDeps, input: StartInput): Promise<StartedService> {
  const { plan, op } = input
  await replaceOlder(deps, input)
  const request = {
    resource: `service:${plan.reuseKey ?? plan.holderKey}`,
    mode: 'exclusive' as const,
    purpose: `starting ${plan.name}`,
    operationId: op.id,
    waitMs: plan.timeoutMs + plan.graceMs + queueMs,
    signal: op.signal
  }
  return await deps.locks.withLock(request, async () => {
    const running = await findRunning(deps, plan)
    if (running === null) return { row: await runService(deps, input).catch(asBusy(plan)), reused: false }
    op.log.system(`${plan.name}: runs already as process ${running.provider_ref}${running.url === null ? '' : ` at ${running.url}`}.`)
    return { row: running, reused: true }
  })
}

/** The running one, or null once nothing is left of what ran before. */
async function findRunning (deps: LockedDeps, { name, reuseKey }: ServicePlan): Promise<ServiceRow | null> {
  const row = reuseKey === null ? undefined : await findLiveByReuseKey(deps.db, reuseKey)
  if (row === undefined) return null
  if (row.host_id !== deps.hostId) throw new WorkspaceBusy(`${name} runs on another host.`)
  const identity = identityOf(row)
  if (row.status === 'running' && row.health_status !== 'unhealthy' && identity !== null && isAlive(identity)) {
    if (deps.live.get(row.id) === undefined) adoptService(deps, row, identity)
    return await updateLiveService(deps.db, row.id, { last_used_at: deps.now() }, deps.now()) ?? null
  }
  // We hold the lock, so nobody is starting it: it was left by a crash or a stop that failed, or its exit is just being seen.
  await endLostService(deps, row)
  return null
}

/** Services that run by an older definition of this command give way to the new one. */
async function replaceOlder (deps: LockedDeps, { plan, op }: StartInput): Promise<void> {
  if (plan.reuseKey === null) return
  const rivals = await findLiveRivals(deps.db, { reuseKey: plan.reuseKey, identityKey: plan.identityKey })
  for (const row of rivals.filter(rival => rival.reuse_key !== plan.reuseKey)) {
    op.log.system(`${plan.name}: its definition has changed; the one that runs by the old definition is stopped.`)
    await stopUnderLock(deps, row, { op, reason: 'Its definition was changed and it was started anew.' })
  }
}

function asBusy ({ name }: ServicePlan) {
  return (error: unknown): never => {
    // Another host was quicker; its lock had gone stale or was not seen yet.
    if (isUniqueViolation(error, 'runtime_services_one_live')) throw new WorkspaceBusy(`${name} is being started elsewhere.`, { cause: error })
    throw error
  }
}
