/** What keeps a workspace from being archived although an admin may end it: the leases of runs, and jobs. */
import type { Db } from '../../db/client.ts'
import { listLiveLeases } from '../../db/run-leases.ts'
import { listUnfinishedOfWorkspace } from '../../db/workspace-operations.ts'
import type { Actor } from '../access/actor.ts'
import { requireCompany } from '../access/company-access.ts'
import type { ForcedEnd } from '../archive/archive.ts'
import { assess } from '../archive/close-readiness.ts'
import { gatherFacts, splitWork, type GatherDeps, type GatheredFacts } from '../archive/gather.ts'
import { CloseBlocked, Conflict, OperationEnded } from '../errors.ts'
import { endLease } from '../runtime/leases.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { cancelOperation, type CancelDeps } from './cancel-operation.ts'

export type HoldersDeps = GatherDeps & CancelDeps

/** More runs than this don't hold one workspace. */
const maxLeases = 1_000

function refuse (facts: GatheredFacts): Error {
  const closeReadiness = assess(facts)
  return new CloseBlocked(closeReadiness.blockingReasons.join(' '), { members: { closeReadiness } })
}

const isClosable = ({ status }: WorkspaceRow) => status !== 'archived' && status !== 'archiving'

/**
 * Refuses at once while jobs run: they hold the workspace's lock, so an archive would only wait for it.
 * @throws CloseBlocked (409) with `closeReadiness`, which names them
 */
export async function refuseWhileJobsRun (deps: GatherDeps, row: WorkspaceRow): Promise<void> {
  if (!isClosable(row) || splitWork(await listUnfinishedOfWorkspace(deps.db, row.id)).jobs.length === 0) return
  throw refuse(await gatherFacts(deps, row))
}

/**
 * Whether a workspace can be closed, leaving aside what force ends.
 * @throws CloseBlocked (409) with the whole `closeReadiness`
 */
export async function requireClosable (deps: GatherDeps, row: WorkspaceRow, { force }: { force: boolean }): Promise<GatheredFacts> {
  const facts = await gatherFacts(deps, row)
  if (assess(force ? { ...facts, leaseRunIds: [], jobs: [] } : facts).state === 'blocked') throw refuse(facts)
  return facts
}

/**
 * Ends the leases and jobs of a workspace, for an archive that is to come whatever they do. Nothing is ended when something else
 * blocks it.
 * @returns what was ended; null when nothing had to be
 * @throws Forbidden (403) unless an admin asks, CloseBlocked (409), NotCancellable (409), Conflict (409) when a job is still ending
 */
export async function endHolders (deps: HoldersDeps, actor: Actor, row: WorkspaceRow): Promise<ForcedEnd | null> {
  requireCompany(actor, row.company_id, 'admin')
  if (!isClosable(row)) return null
  const { jobs } = await requireClosable(deps, row, { force: true })
  const endedLeases = await endLeases(deps, actor, row)
  for (const job of jobs) await endJob(deps, actor, job)
  return endedLeases.length + jobs.length === 0 ? null : { endedLeases, cancelledOperationIds: jobs.map(({ id }) => id) }
}

async function endLeases ({ db, now }: { db: Db, now: () => Date }, actor: Actor, row: WorkspaceRow): Promise<ForcedEnd['endedLeases']> {
  const ended: ForcedEnd['endedLeases'] = []
  for (const lease of await listLiveLeases(db, row.id, now(), { limit: maxLeases, after: null })) {
    const released = await db.transaction().execute(async trx => await endLease(trx, lease, { action: 'lease_released', actor, now: now(), details: { forced: true } }))
    if (released !== undefined) ended.push({ leaseId: lease.id, runId: lease.run_id })
  }
  return ended
}

async function endJob (deps: CancelDeps, actor: Actor, { id, name }: { id: string, name: string }): Promise<void> {
  try {
    const { ended } = await cancelOperation(deps, actor, id)
    if (!ended) throw new Conflict(`The job ${name} was told to end, and is still at it; ask again.`, { members: { operationId: id } })
  } catch (error) {
    // It came to its own end meanwhile.
    if (!(error instanceof OperationEnded)) throw error
  }
}
