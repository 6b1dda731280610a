/** Ends one running service and proves it: its whole process tree gone, its port free, its row `stopped`. */
import { setTimeout } from 'node:timers/promises'
import { findService, isLiveRow, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { StopIncomplete } from '../errors.ts'
import type { Locks } from '../operations/locks.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { terminate, type StopProof } from '../process/terminate.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import type { WatchedService } from './live-services.ts'
import type { ServiceRunDeps } from './service-run.ts'
import { lockOf, storedDefinition } from './stored-definition.ts'

export interface LockedDeps extends ServiceRunDeps {
  locks: Locks
}

export interface StopInput {
  /** Told in its log; null when nothing is recorded. */
  op: OperationHandle | null
  /** For the row, a sentence. */
  reason: string
}

/** The proof of one stop, as operations keep it in their metadata. */
export interface StopReport extends StopProof {
  runtimeServiceId: string
  serviceName: string
}

/** What was ended, and the proof. */
export interface StoppedService {
  row: ServiceRow
  proof: StopProof
  /** Something lives on or the port is still taken: the row stays live, so that it can be tried again. */
  complete: boolean
}

/** Beyond the time a start or a stop may itself take, for the queue of those before. */
export const queueMs = 30_000
/** The exit event follows the end of the process within this time. */
const exitCodeMs = 200

/** The process a row speaks of, named for good; null when none was started. */
export function identityOf ({ provider_ref: pid, pid_start_time: startTime }: Pick<ServiceRow, 'provider_ref' | 'pid_start_time'>): ProcessIdentity | null {
  return pid === null || startTime === null ? null : { pid: Number(pid), startTime }
}

/**
 * Stops the service of a live row. Hold its lock meanwhile.
 * @param reason for the row, a sentence
 */
export async function stopService (deps: ServiceRunDeps, row: ServiceRow, reason: string): Promise<StoppedService> {
  const service = deps.live.get(row.id)
  if (service !== undefined) service.handled = true
  const definition = storedDefinition(row, deps.serviceLogMaxBytes)
  const proof = await terminate({
    root: identityOf(row) ?? service?.identity ?? null,
    mark: row.spawn_mark,
    signal: definition.stopSignal,
    graceMs: definition.graceMs,
    port: row.port
  })
  const complete = proof.survivors.length === 0 && proof.portFree !== false
  const stored = complete
    ? await recordStop(deps, row, service, reason)
    : await updateLiveService(deps.db, row.id, { health_status: 'unhealthy', exit_reason: incompleteWords(row, proof) }, deps.now())
  if (complete && definition.releasesPort) await deps.ports.release(definition.holderKey)
  return { row: stored ?? row, proof, complete }
}

async function recordStop ({ db, live, now }: ServiceRunDeps, row: ServiceRow, service: WatchedService | undefined, reason: string): Promise<ServiceRow | undefined> {
  const exit = service?.exited == null ? null : await Promise.race([service.exited, setTimeout(exitCodeMs, null)])
  live.remove(row.id)
  const at = now()
  return await updateLiveService(db, row.id, {
    status: 'stopped',
    health_status: 'unknown',
    exit_code: exit?.code ?? null,
    exit_signal: exit?.signal ?? null,
    exit_reason: reason,
    stopped_at: at
  }, at)
}

/** What is still there, as a sentence. */
export function incompleteWords ({ service_name: name, port }: ServiceRow, { survivors, portFree }: StopProof): string {
  const left = survivors.length > 0 ? [`processes ${survivors.join(', ')} are still alive`] : []
  if (portFree === false) left.push(`port ${port} is still in use`)
  return `${name} could not be stopped: ${left.join(' and ')}.`
}

/**
 * Stops a service under its lock; one that is just starting is told to give up first. Null when it had ended already.
 * @throws StopIncomplete (422) naming what survived; WorkspaceBusy (409)
 */
export async function stopUnderLock (deps: LockedDeps, row: ServiceRow, { op, reason }: StopInput): Promise<StopReport | null> {
  deps.live.get(row.id)?.cancelStart?.(new Error(reason))
  const { graceMs } = storedDefinition(row, deps.serviceLogMaxBytes)
  const request = { resource: lockOf(row), mode: 'exclusive' as const, purpose: `stopping ${row.service_name}`, operationId: op?.id ?? null, waitMs: graceMs + queueMs }
  return await deps.locks.withLock(request, async () => {
    const current = await findService(deps.db, row.id)
    if (current === undefined || !isLiveRow(current)) return null
    return reportOf(await stopService(deps, current, reason), op)
  })
}

function reportOf ({ row, proof, complete }: StoppedService, op: OperationHandle | null): StopReport {
  const report = { runtimeServiceId: row.id, serviceName: row.service_name, ...proof }
  if (!complete) throw new StopIncomplete(incompleteWords(row, proof), { members: { proof: report } })
  const forced = proof.forced ? ' It did not end by itself and was killed.' : ''
  op?.log.system(`${row.service_name}: stopped; ${proof.membersBefore.length} processes ended in ${proof.durationMs} ms.${forced}`)
  return report
}
