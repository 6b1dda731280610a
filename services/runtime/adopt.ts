/** Takes up services that an earlier process of this host left: known by pid and start time, never by name alone. */
import { updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { StopIncomplete } from '../errors.ts'
import { terminate } from '../process/terminate.ts'
import { startEnvironment } from '../process/proc-stat.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import type { HealthPlan } from './health.ts'
import type { EndDeps } from './service-end.ts'
import { probeOf, serviceLogPlace } from './service-intent.ts'
import { renderService } from './service-plan.ts'
import { identityOf } from './service-stop.ts'
import { storedDefinition, type StoredDefinition } from './stored-definition.ts'

/** Watches a service again whose process lives on. */
export async function adoptService (deps: EndDeps, row: ServiceRow, identity: ProcessIdentity): Promise<void> {
  const { live, dataDir, serviceLogMaxBytes } = deps
  const definition = storedDefinition(row, serviceLogMaxBytes)
  const service = live.add({
    id: row.id,
    name: row.service_name,
    identity,
    mark: row.spawn_mark,
    logPath: serviceLogPlace(dataDir, row.id, row.attempt).path,
    logMaxBytes: definition.logMaxBytes,
    env: startEnvironment(identity.pid),
    health: await healthOf(deps, row, definition),
    exited: null
  })
  live.watch(service)
}

/** A probe by command needs its environment, which is never stored: it is made anew from the config, if that still has the command. */
async function healthOf (deps: EndDeps, row: ServiceRow, { health }: StoredDefinition): Promise<HealthPlan | null> {
  if (health === null) return null
  if (health.probe.type !== 'command') return { ...health, probe: health.probe }
  try {
    const { plan, addresses } = await deps.replan(row)
    const log = { path: '', fromByte: 0 }
    const probe = probeOf(plan, { port: row.port, log, rendered: renderService(plan, { port: row.port, addresses, mark: row.spawn_mark ?? '' }) })
    return probe?.type === 'command' ? { ...health, probe } : null
  } catch (err) {
    deps.log.warn({ err, runtimeServiceId: row.id }, 'the health of a service can not be watched: its command is not configured any more')
    return null
  }
}

/**
 * Ends what is left of a service that is not there any more, or whose start was cut off: its processes by their
 * mark, then its row. A start that was cut off is `failed`; one that had run is `stopped`, since nobody saw how it ended.
 * @throws StopIncomplete (422) when something of it can't be ended
 */
export async function endLostService (deps: EndDeps, row: ServiceRow): Promise<void> {
  const { db, live, ports, restarts, serviceLogMaxBytes, now } = deps
  const { stopSignal, graceMs, releasesPort, holderKey } = storedDefinition(row, serviceLogMaxBytes)
  const service = live.get(row.id)
  if (service !== undefined) service.handled = true
  restarts.cancel(row.id)
  const { survivors } = await terminate({ root: identityOf(row), mark: row.spawn_mark, signal: stopSignal, graceMs })
  // The row stays live: as long as it is there, nothing is started beside what survived.
  if (survivors.length > 0) throw new StopIncomplete(`Processes ${survivors.join(', ')} of ${row.service_name} could not be ended.`)
  if (service === undefined) await maskLostLog(deps, row)
  live.remove(row.id)
  const at = now()
  await updateLiveService(db, row.id, {
    status: row.status === 'starting' ? 'failed' : 'stopped',
    health_status: 'unknown',
    exit_reason: lostWords(row),
    next_restart_at: null,
    stopped_at: at
  }, at)
  if (releasesPort) await ports.release(holderKey)
}

/** What it was started with ended with it; the config as it is now is the best that is left. */
async function maskLostLog (deps: EndDeps, row: ServiceRow): Promise<void> {
  const env = await deps.replan(row)
    .then(({ plan, addresses }) => renderService(plan, { port: row.port, addresses, mark: row.spawn_mark ?? '' }).env)
    .catch((): Record<string, string> => ({})) // Not configured any more: the secrets of this process are masked at least.
  deps.live.maskLog({ id: row.id, logPath: serviceLogPlace(deps.dataDir, row.id, row.attempt).path, env })
}

function lostWords ({ status, health_status: health, exit_reason: reason }: ServiceRow): string {
  if (status === 'starting') return 'Its start was cut off.'
  if (status === 'backing_off') return `${reason ?? ''} It was started anew before that.`.trim()
  return health === 'unhealthy' ? `${reason ?? 'It was unhealthy.'} It was ended and started anew.` : 'It was not there any more; nobody saw how it ended.'
}
