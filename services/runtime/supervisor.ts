/** Starts and stops the runtime services of this host: one process for each identity, one action on it at a time. */
import { findService, isLiveRow, type ServiceRow } from '../../db/runtime-services.ts'
import type { Environment } from '../operations/redact.ts'
import { isAlive } from '../process/tree.ts'
import { adoptService, endLostService } from './adopt.ts'
import type { ServiceRunInput } from './service-run.ts'
import { failRestart, restartUnderLock, startUnderLock, type StartedService, type StartInput } from './service-start.ts'
import { identityOf, queueMs, stopUnderLock, type LockedDeps, type StopInput, type StopReport } from './service-stop.ts'
import { lockOf } from './stored-definition.ts'

export type { StartedService, StartInput } from './service-start.ts'
export type { LockedDeps as SupervisorDeps, StopInput, StopReport } from './service-stop.ts'

export interface Supervisor {
  /**
   * Starts a service, or answers with the one of the same identity that runs already. One that runs under an
   * older definition of the same command is stopped first.
   * @throws ServiceStartFailed (422), WorkspaceBusy (409), StopIncomplete (422)
   */
  start (input: StartInput): Promise<StartedService>
  /**
   * Stops a service; one that is just starting is told to give up. Null when it had ended already
   * or the guard keeps it.
   * @throws StopIncomplete (422) naming what survived; WorkspaceBusy (409)
   */
  stop (row: ServiceRow, input: StopInput): Promise<StopReport | null>
  /** Stops several at once; every one is tried. Throws what the first that failed threw. */
  stopAll (rows: readonly ServiceRow[], input: StopInput): Promise<StopReport[]>
  /**
   * Starts a service that backs off again, if it still does; null when it does not any more.
   * @throws ServiceStartFailed (422), WorkspaceBusy (409), what the plan throws: the row is settled by its policy then
   */
  restart (id: string, input: ServiceRunInput): Promise<ServiceRow | null>
  /** A restart could not even be begun: the row is settled by its policy, or for good where the operation's signal says that somebody cancelled it. */
  failRestart (id: string, error: unknown, signal?: AbortSignal): Promise<void>
  /** Takes up a live row after a restart of this service: watched again if its process is there, waiting on if it backs off, else ended. */
  adopt (row: ServiceRow): Promise<'adopted' | 'ended'>
  /** What a service whose process this host has was started with; empty for another. */
  environmentOf (id: string): Environment
  /** Tells every start under way to give up. */
  cancelStarts (reason: Error): void
  /** Stops watching. With `stopServices` every service is stopped first, else they go on without us. */
  close (options: { stopServices: boolean }): Promise<void>
}

export function createSupervisor (deps: LockedDeps): Supervisor {
  const stop: Supervisor['stop'] = async (row, input) => await stopUnderLock(deps, row, input)
  const stopAll: Supervisor['stopAll'] = async (rows, input) => {
    const results = await Promise.allSettled(rows.map(async row => await stop(row, input)))
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return results.flatMap(result => result.status === 'fulfilled' && result.value !== null ? [result.value] : [])
  }
  const cancelStarts: Supervisor['cancelStarts'] = reason => {
    for (const service of deps.live.all()) service.cancelStart?.(reason)
  }
  return {
    cancelStarts,
    start: async input => await startUnderLock(deps, input),
    stop,
    stopAll,
    restart: async (id, input) => await restartUnderLock(deps, id, input),
    failRestart: async (id, error, signal) => await failRestart(deps, id, error, signal),
    environmentOf: id => deps.live.get(id)?.env ?? {},
    adopt: async row => await takeUp(deps, row),
    async close ({ stopServices }) {
      cancelStarts(new Error('The service is going down.'))
      await deps.restarts.close()
      if (stopServices) await Promise.allSettled(deps.live.all().map(async ({ id }) => await stopById(deps, id)))
      await deps.live.close()
    }
  }
}

async function stopById (deps: LockedDeps, id: string): Promise<void> {
  const row = await findService(deps.db, id)
  if (row !== undefined) await stopUnderLock(deps, row, { op: null, reason: 'It was stopped with the service that started it.', leaving: null })
}

async function takeUp (deps: LockedDeps, row: ServiceRow): Promise<'adopted' | 'ended'> {
  // Started by a request since: it is watched already.
  if (deps.live.get(row.id) !== undefined) return 'adopted'
  const request = { resource: lockOf(row), mode: 'exclusive' as const, purpose: `recovering ${row.service_name}`, waitMs: queueMs }
  return await deps.locks.withLock(request, async () => {
    const current = await findService(deps.db, row.id)
    if (current === undefined || !isLiveRow(current)) return 'ended'
    if (deps.live.get(row.id) !== undefined) return 'adopted'
    const identity = identityOf(current)
    if (current.status === 'running' && identity !== null && isAlive(identity)) {
      await adoptService(deps, current, identity)
      return 'adopted'
    }
    if (current.status === 'backing_off' && current.next_restart_at !== null) {
      deps.restarts.schedule(current.id, current.next_restart_at)
      return 'adopted'
    }
    await endLostService(deps, current)
    return 'ended'
  })
}
