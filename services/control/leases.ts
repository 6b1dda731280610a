/** Run leases end to end: who may, what is held and for how long, and what the end of a lease stops. */
import type { Db } from '../../db/client.ts'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { listLiveLeases, listOverdueLeases, listUnreleasedOfRun, type LeaseRow } from '../../db/run-leases.ts'
import { isLiveRow } from '../../db/runtime-services.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { AcquireLeaseBody, LeaseRelease, RenewLeaseBody, RunLease } from '../../openapi/schemas/lease.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { companyAccess, reaches, requireActor, requireCompany, requireVisible } from '../access/company-access.ts'
import { readPage, type PageRequest } from '../directory/created-pages.ts'
import { NotFound } from '../errors.ts'
import { endLease, prolongLease, toLease } from '../runtime/leases.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import { acquireLease, endOf, type AcquiredLease, type LeaseAcquireDeps } from './lease-acquire.ts'
import type { PolicyStopsDeps } from './policy-stops.ts'

export interface LeaseControlDeps extends LeaseAcquireDeps {
  log: PolicyStopsDeps['log']
}

export interface LeaseControl {
  /**
   * Takes a lease and starts or reuses the configured services for its run; a run that has one renews it. A lease that
   * was taken for nothing, because a service did not start, is given back.
   * @throws NotFound (404), Forbidden (403), WorkspaceStateConflict, WorkspaceBusy, Conflict (409), and what a start throws (422)
   */
  acquire (actor: Actor, workspaceId: string, body: AcquireLeaseBody): Promise<AcquiredLease>
  /** @throws NotFound (404) also when the run has no live lease there, Forbidden (403) */
  renew (actor: Actor, workspaceId: string, body: RenewLeaseBody): Promise<RunLease>
  /** Live leases, the newest first. @throws NotFound (404), InvalidCursor (400) */
  list (actor: Actor, workspaceId: string, page: PageRequest): Promise<Page<RunLease>>
  /**
   * Releases every lease of a run that the actor may see, and stops what ends with it.
   * @throws Forbidden (403): nothing is released then; StopIncomplete (422), WorkspaceBusy (409): the leases are released all the same
   */
  releaseOfRun (actor: Actor, runId: string): Promise<LeaseRelease>
  /** Releases leases whose time is up and stops what is due on this host. One at a time; never throws. */
  tick (): Promise<void>
  /** No more ticks; waits for the one under way. */
  close (): Promise<void>
}

/** Of one tick; the rest waits for the next. */
const overdueAtOnce = 100

export function createLeaseControl (deps: LeaseControlDeps): LeaseControl {
  let ticking: Promise<void> | null = null
  let closed = false
  return {
    acquire: async (actor, workspaceId, body) => await acquireLease(deps, actor, workspaceId, body),
    renew: async (actor, workspaceId, body) => await renew(deps, actor, workspaceId, body),
    async list (actor, workspaceId, page) {
      const row = requireVisible(actor, await findWorkspace(deps.db, workspaceId))
      return await readPage(page, async slice => await listLiveLeases(deps.db, row.id, deps.now(), slice), toLease)
    },
    releaseOfRun: async (actor, runId) => await releaseOfRun(deps, actor, runId),
    async tick () {
      if (closed) return
      ticking ??= tick(deps).finally(() => { ticking = null })
      await ticking
    },
    async close () {
      closed = true
      deps.stops.close()
      await ticking
    }
  }
}

async function renew ({ db, access, now }: LeaseControlDeps, actor: Actor, workspaceId: string, body: RenewLeaseBody): Promise<RunLease> {
  const row = requireVisible(actor, await findWorkspace(db, workspaceId), 'write')
  await access.requireRuntimeManagement(actor, { companyId: row.company_id, executionWorkspaceId: row.id })
  const at = now()
  const lease = await db.transaction().execute(async trx =>
    await prolongLease(trx, { workspaceId: row.id, runId: body.runId, expiresAt: endOf(body, at), now: at }))
  if (lease === undefined) throw new NotFound(`Run ${body.runId} has no live lease on this workspace; take a new one.`)
  return toLease(lease)
}

async function releaseOfRun (deps: LeaseControlDeps, actor: Actor, runId: string): Promise<LeaseRelease> {
  requireActor(actor)
  const { db, now, stops } = deps
  const leases = (await listUnreleasedOfRun(db, runId)).filter(lease => companyAccess(actor, lease.company_id) !== 'none')
  for (const lease of leases) await requireReleasable(deps, actor, lease)
  const released: LeaseRow[] = []
  for (const lease of leases) released.push(...await end(db, lease, { action: 'lease_released', actor, now: now() }))
  // Asked also when nothing was released: what could not be stopped before is tried again.
  const stopped = await stops.stopDue({ runId: runId.toLowerCase(), isOurs: row => reaches(companyAccess(actor, row.company_id), 'write') })
  return {
    leases: released.map(toLease),
    stoppedServices: stopped.map(({ row }) => row).filter(row => !isLiveRow(row)).map(toRuntimeService),
    operations: stopped.map(({ operation }) => operation)
  }
}

/** An agent may always let go of its own; its issue may be done by then. */
async function requireReleasable ({ access }: LeaseControlDeps, actor: Actor, lease: LeaseRow): Promise<void> {
  requireCompany(actor, lease.company_id, 'write')
  if (actor.type === 'agent' && lease.agent_id === actor.agentId.toLowerCase()) return
  await access.requireRuntimeManagement(actor, { companyId: lease.company_id, executionWorkspaceId: lease.execution_workspace_id })
}

/** The lease as it ended; nothing when somebody else was first. */
async function end (db: Db, lease: LeaseRow, input: Parameters<typeof endLease>[2]): Promise<LeaseRow[]> {
  const ended = await db.transaction().execute(async trx => await endLease(trx, lease, input))
  return ended === undefined ? [] : [ended]
}

async function tick ({ db, hostId, now, log, stops }: LeaseControlDeps): Promise<void> {
  try {
    for (const lease of await listOverdueLeases(db, hostId, now(), overdueAtOnce)) {
      const [expired] = await end(db, lease, { action: 'lease_expired', actor: systemActor, now: now() })
      if (expired !== undefined) log.info({ leaseId: expired.id, runId: expired.run_id, workspaceId: expired.execution_workspace_id }, 'the time of a lease is up: it is released')
    }
    await stops.stopDue()
  } catch (err) {
    log.warn({ err }, 'not everything could be released or stopped; it is tried again')
  }
}
