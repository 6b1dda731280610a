/** Takes up services that an earlier process of this host left: known by pid and start time, never by name alone. */
import { updateLiveService, type ServiceRow } from '../../db/runtime-services.ts'
import { StopIncomplete } from '../errors.ts'
import { terminate } from '../process/terminate.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import { identityOf } from './service-stop.ts'
import { serviceLogPlace, type ServiceRunDeps } from './service-run.ts'
import { storedDefinition } from './stored-definition.ts'

/** Watches a service again whose process lives on. */
export function adoptService ({ live, dataDir, serviceLogMaxBytes }: ServiceRunDeps, row: ServiceRow, identity: ProcessIdentity): void {
  const definition = storedDefinition(row, serviceLogMaxBytes)
  live.watch(live.add({
    id: row.id,
    name: row.service_name,
    identity,
    mark: row.spawn_mark,
    port: row.port,
    releaseHolder: definition.releasesPort ? definition.holderKey : null,
    logPath: serviceLogPlace(dataDir, row.id, row.attempt).path,
    logMaxBytes: definition.logMaxBytes,
    exited: null
  }))
}

/**
 * Ends what is left of a service that is not there any more, or whose start was cut off: its processes by their
 * mark, then its row. A start that was cut off is `failed`; one that had run is `stopped`, since nobody saw how it ended.
 * @throws StopIncomplete (422) when something of it can't be ended
 */
export async function endLostService ({ db, live, ports, serviceLogMaxBytes, now }: ServiceRunDeps, row: ServiceRow): Promise<void> {
  const { stopSignal, graceMs, releasesPort, holderKey } = storedDefinition(row, serviceLogMaxBytes)
  const service = live.get(row.id)
  if (service !== undefined) service.handled = true
  const { survivors } = await terminate({ root: identityOf(row), mark: row.spawn_mark, signal: stopSignal, graceMs })
  // The row stays live: as long as it is there, nothing is started beside what survived.
  if (survivors.length > 0) throw new StopIncomplete(`Processes ${survivors.join(', ')} of ${row.service_name} could not be ended.`)
  live.remove(row.id)
  const cutOff = row.status === 'starting'
  const at = now()
  await updateLiveService(db, row.id, {
    status: cutOff ? 'failed' : 'stopped',
    health_status: 'unknown',
    exit_reason: cutOff ? 'Its start was cut off.' : 'It was not there any more; nobody saw how it ended.',
    stopped_at: at
  }, at)
  if (releasesPort) await ports.release(holderKey)
}
