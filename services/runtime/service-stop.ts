/** Ends one running service and proves it: its whole process tree gone, its port free, its row `stopped`; unless others use it. */
import { setTimeout } from 'node:timers/promises'
import { findService, handOverService, isLiveRow, updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { leaveService, listOtherUsers, type ServiceUser, type UsingPlace } from '../../db/service-uses.ts'
import { StopIncomplete } from '../errors.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { terminate, type StopProof } from '../process/terminate.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import { letGoOfAdapterService } from './adapter-services.ts'
import type { WatchedService } from './live-services.ts'
import type { EndDeps } from './service-end.ts'
import type { ServiceRunDeps } from './service-run.ts'
import { lockOf, storedDefinition } from './stored-definition.ts'

export type LockedDeps = EndDeps

export interface StopInput {
  /** Told in its log; null when nothing is recorded. */
  op: OperationHandle | null
  /** For the row, a sentence. */
  reason: string
  /** The workspace that needs it no more: while others use it, it goes on for them. Null ends it for all. */
  leaving: UsingPlace | null
  /** Has to be done before anything is ended; when it fails, nothing is. */
  before?: Promise<unknown>
  /**
   * Asked with the lock held, right before anything is ended: false leaves the service as it is. One that is just
   * starting is then not told to give up, but waited for.
   */
  guard?: (row: ServiceRow) => Promise<boolean>
}

/** The proof of one stop, as operations keep it in their metadata; or for whom the service goes on. */
export type StopReport = StoppedReport | KeptReport

export interface StoppedReport extends StopProof {
  runtimeServiceId: string
  serviceName: string
  kept: false
}

export interface KeptReport {
  runtimeServiceId: string
  serviceName: string
  kept: true
  /** Workspaces that use it still. */
  usedBy: { id: string, name: string }[]
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
  deps.restarts.cancel(row.id)
  const definition = storedDefinition(row, deps.serviceLogMaxBytes)
  const proof = await terminate({
    root: service?.identity ?? identityOf(row),
    mark: row.spawn_mark,
    signal: definition.stopSignal,
    graceMs: definition.graceMs,
    rootEnded: service?.exited ?? null,
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
    next_restart_at: null,
    stopped_at: at
  }, at)
}

/** What is still there, as a sentence. */
function incompleteWords ({ service_name: name, port }: ServiceRow, { survivors, portFree }: StopProof): string {
  const left = survivors.length > 0 ? [`processes ${survivors.join(', ')} are still alive`] : []
  if (portFree === false) left.push(`port ${port} is still in use`)
  return `${name} could not be stopped: ${left.join(' and ')}.`
}

/**
 * Stops a service under its lock; one that is just starting is told to give up first. Null when it had ended already or the guard keeps it.
 * @throws StopIncomplete (422) naming what survived; WorkspaceBusy (409)
 */
export async function stopUnderLock (deps: LockedDeps, row: ServiceRow, { op, reason, leaving, before, guard }: StopInput): Promise<StopReport | null> {
  const cancelStart = guard === undefined ? deps.live.get(row.id)?.cancelStart : null
  if (cancelStart != null && (await otherUsers(deps, row, leaving)).length === 0) cancelStart(new Error(reason))
  const { graceMs } = storedDefinition(row, deps.serviceLogMaxBytes)
  const request = { resource: lockOf(row), mode: 'exclusive' as const, purpose: `stopping ${row.service_name}`, operationId: op?.id ?? null, waitMs: graceMs + queueMs }
  return await deps.locks.withLock(request, async () => {
    const [current, others] = await Promise.all([
      findService(deps.db, row.id),
      leaving === null || row.reuse_key === null ? [] : leaveService(deps.db, row.reuse_key, leaving),
      before
    ])
    if (current === undefined || !isLiveRow(current)) return null
    const [heir] = others
    if (leaving !== null && heir !== undefined) return await keepFor(deps, current, leaving, [heir, ...others.slice(1)], op)
    if (guard !== undefined && !await guard(current)) return null
    if (current.provider === 'adapter_managed') return await letGoOfAdapterService(deps, current, { op, reason })
    return reportOf(await stopService(deps, current, reason), op)
  })
}

/** Who uses it still; nobody counts where it is to end for all. */
async function otherUsers ({ db }: LockedDeps, { reuse_key: reuseKey }: ServiceRow, leaving: UsingPlace | null): Promise<ServiceUser[]> {
  return reuseKey === null || leaving === null ? [] : await listOtherUsers(db, [reuseKey], leaving)
}

/** It goes on for those who use it still; what was started for the one that leaves is the first other's now. */
async function keepFor (deps: LockedDeps, row: ServiceRow, leaving: UsingPlace, users: [ServiceUser, ...ServiceUser[]], op: OperationHandle | null): Promise<KeptReport> {
  if (leaving.kind === 'execution' && row.execution_workspace_id === leaving.id) await handOverService(deps.db, row.id, users[0], deps.now())
  op?.log.system(`${row.service_name}: goes on as process ${row.provider_ref}, since it is used by ${users.map(({ name }) => name).join(', ')} too.`)
  return { runtimeServiceId: row.id, serviceName: row.service_name, kept: true, usedBy: users.map(({ id, name }) => ({ id, name })) }
}

function reportOf ({ row, proof, complete }: StoppedService, op: OperationHandle | null): StoppedReport {
  const report: StoppedReport = { runtimeServiceId: row.id, serviceName: row.service_name, kept: false, ...proof }
  if (!complete) throw new StopIncomplete(incompleteWords(row, proof), { members: { proof: report } })
  const forced = proof.forced ? ' It did not end by itself and was killed.' : ''
  op?.log.system(`${row.service_name}: stopped; ${proof.membersBefore.length} processes ended in ${proof.durationMs} ms.${forced}`)
  return report
}
