/** What follows when a service ends by itself, turns unhealthy or fails to come back: the row tells it, and its policy decides. */
import { findService, isLiveRow, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { isProblem } from '../errors.ts'
import type { Locks } from '../operations/locks.ts'
import { outOfMemoryWords, wasOutOfMemory } from '../process/limits.ts'
import type { ProcessExit } from '../process/spawn.ts'
import { terminate } from '../process/terminate.ts'
import type { HealthState } from './health.ts'
import { exitColumns, exitWords, type RuntimeLog, type WatchedService } from './live-services.ts'
import { decideRestart, type AfterEnd, type RestartRule, type ServiceEnd } from './restart-policy.ts'
import type { Addresses, ServicePlan } from './service-plan.ts'
import type { ServiceRunDeps } from './service-run.ts'
import { lockOf, storedDefinition } from './stored-definition.ts'

export interface EndDeps extends ServiceRunDeps {
  locks: Locks
  /**
   * What starting the service of a row would mean today, by the config as it is now.
   * @throws problems (404, 409, 422) when it is not configured or its workspace has no room for it any more
   */
  replan: (row: ServiceRow) => Promise<{ plan: ServicePlan, addresses: Addresses }>
  log: RuntimeLog
}

/** What a service leaves running when it exits gets no long farewell. */
const leftoverGraceMs = 500

/** A running service has exited: what it left is ended, how it ended is recorded, and it is started again if its policy says so. */
export async function endExited (deps: EndDeps, service: WatchedService, exit: ProcessExit): Promise<void> {
  // Asked before the control group goes with its count.
  const why = wasOutOfMemory(service.mark) ? outOfMemoryWords : exitWords(exit)
  const { survivors, membersBefore } = await terminate({ root: service.identity, mark: service.mark, graceMs: leftoverGraceMs })
  deps.live.maskLog(service)
  deps.log.info({ runtimeServiceId: service.id, service: service.name, ...exit, leftRunning: membersBefore.length }, 'a service ended')
  await settleEnd(deps, service.id, { cause: 'exited', exit }, { why, survivors })
}

/**
 * Its probe failed too often in a row. Shown as unhealthy; where its policy restarts what fails, it is ended now and
 * restarted. Skipped while somebody else starts or stops it: the next look comes.
 */
export async function noteHealth (deps: EndDeps, service: WatchedService, { healthy, failuresInARow }: HealthState, seen: string): Promise<void> {
  const why = healthy ? null : `It is unhealthy: ${seen}, ${failuresInARow} times in a row.`
  const row = await updateLiveService(deps.db, service.id, { health_status: healthy ? 'healthy' : 'unhealthy', exit_reason: why }, deps.now())
  if (row === undefined || why === null || storedDefinition(row, 0).restart.policy === 'never') return
  const { stopSignal, graceMs } = storedDefinition(row, deps.serviceLogMaxBytes)
  const request = { resource: lockOf(row), mode: 'exclusive' as const, purpose: `restarting ${row.service_name}, which is unhealthy`, waitMs: 0 }
  await deps.locks.withLock(request, async () => {
    if (service.handled || deps.live.get(row.id) !== service) return
    service.handled = true
    const { survivors } = await terminate({ root: service.identity, mark: service.mark, signal: stopSignal, graceMs })
    deps.log.info({ runtimeServiceId: row.id, service: row.service_name, seen }, 'an unhealthy service was ended')
    await settleEnd(deps, row.id, { cause: 'unhealthy', exit: null }, { why, survivors }).catch(error => {
      // It is asked for still: the next look finds it unhealthy, and its end is stored then.
      service.handled = false
      throw error
    })
    deps.live.remove(row.id)
  }).catch(ifBusy)
}

function ifBusy (error: unknown): void {
  if (!isProblem(error) || error.code !== 'workspace_busy') throw error
}

export interface EndWords {
  /** A sentence; what follows is added to it. */
  why: string
  survivors?: readonly number[]
  /** It is not started again, whatever its policy. */
  isFinal?: boolean
}

/**
 * Records an end and what follows it: `backing_off` with the time of the restart, or `stopped` or `failed`.
 * @returns the row as it is now; undefined when it had ended already
 */
export async function settleEnd (deps: EndDeps, id: string, end: ServiceEnd, { why, survivors = [], isFinal = false }: EndWords): Promise<ServiceRow | undefined> {
  const row = await findService(deps.db, id)
  if (row === undefined || !isLiveRow(row)) return undefined
  const { restart: rule, releasesPort, holderKey } = storedDefinition(row, deps.serviceLogMaxBytes)
  const at = deps.now()
  const after = decideAfter(row, rule, end, { endsHere: isFinal || survivors.length > 0, at })
  const columns = { ...exitColumns(end.exit ?? { code: null, signal: null }, at), ready_at: null, exit_reason: why + consequence(row, after, survivors) }
  const status = after.restart ? 'backing_off' : end.cause === 'exited' ? columns.status : 'failed'
  const nextRestartAt = after.restart ? new Date(at.getTime() + after.delayMs) : null
  const stored = await updateLiveService(deps.db, id, { ...columns, status, next_restart_at: nextRestartAt, ...(after.restart ? { restart_streak: after.streak } : {}) }, at)
  if (stored === undefined) return undefined
  if (nextRestartAt !== null) deps.restarts.schedule(id, nextRestartAt)
  else if (releasesPort) await deps.ports.release(holderKey)
  return stored
}

/** Beside what could not be ended nothing may be started. */
function decideAfter (row: ServiceRow, rule: RestartRule, end: ServiceEnd, { endsHere, at }: { endsHere: boolean, at: Date }): AfterEnd {
  if (endsHere) return { restart: false, gaveUp: false }
  return decideRestart(rule, end, { streak: row.restart_streak, ranMs: row.ready_at === null ? 0 : at.getTime() - row.ready_at.getTime() })
}

function consequence (row: ServiceRow, after: AfterEnd, survivors: readonly number[]): string {
  if (survivors.length > 0) return ` Processes ${survivors.join(', ')} of it could not be ended.`
  if (after.restart) return ` It is started again in ${after.delayMs} ms, restart ${after.streak} in a row.`
  return after.gaveUp ? ` It was restarted ${row.restart_streak} times in a row; that is as often as its policy allows.` : ''
}
