/** Upkeep of what all hosts share, for one of them at a time: what is past its time, and leases whose host does not look. */
import type { Db } from '../../db/client.ts'
import { listOverdueLeases } from '../../db/run-leases.ts'
import { systemActor } from '../access/actor.ts'
import { removeSharedExpired, type RetentionTimes, type SharedCounts } from '../operations/retention.ts'
import { endLease } from '../runtime/leases.ts'

export interface SharedUpkeepDeps {
  db: Db
  times: RetentionTimes
  now: () => Date
}

export interface SharedUpkeepReport extends SharedCounts {
  leases: number
}

/** Hosts look at their own every few seconds: a lease that is over for this long has none that does. */
const leaseGraceMs = 60_000
const leasesAtOnce = 100

/** One round. May be cut off at any moment and done again. */
export async function keepShared (deps: SharedUpkeepDeps, signal: AbortSignal): Promise<SharedUpkeepReport> {
  const leases = await releaseForgotten(deps)
  return { leases, ...await removeSharedExpired(deps, signal) }
}

/** Services are stopped by the host that has them, when it is back. */
async function releaseForgotten ({ db, now }: SharedUpkeepDeps): Promise<number> {
  let count = 0
  for (const lease of await listOverdueLeases(db, null, new Date(now().getTime() - leaseGraceMs), leasesAtOnce)) {
    const ended = await db.transaction().execute(async trx => await endLease(trx, lease, { action: 'lease_expired', actor: systemActor, now: now() }))
    if (ended !== undefined) count++
  }
  return count
}
