/** Taking a lease: first the hold, then the services, so that nothing slips in between; given back when they do not start. */
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { endLeaseNow, type LeaseRow } from '../../db/run-leases.ts'
import { isLiveRow } from '../../db/runtime-services.ts'
import { defaultTtlSec, type AcquireLeaseBody, type LeaseAnswer, type RenewLeaseBody } from '../../openapi/schemas/lease.ts'
import type { Actor } from '../access/actor.ts'
import { Conflict } from '../errors.ts'
import { giveBackLease, settleLease, takeLease, toLease, type TakenLease } from '../runtime/leases.ts'
import type { PolicyStops } from './policy-stops.ts'
import type { RuntimeControl, StartedForRun } from './runtime-control.ts'
import { requireOnHost, type FoundPlace } from './runtime-place.ts'
import { openWorkspace, whileUsable, type UsableWorkspaceDeps } from './usable-workspace.ts'
import { withStarted, type WorkspaceView } from './workspace-view.ts'

export interface LeaseAcquireDeps extends UsableWorkspaceDeps {
  hostId: string
  control: Pick<RuntimeControl, 'startForRun'>
  stops: PolicyStops
  view: WorkspaceView
  now: () => Date
}

export interface AcquiredLease {
  answer: LeaseAnswer
  /** The run had no lease on the workspace. */
  isNew: boolean
}

/** While services start, a lease holds at least this long: a short one must not end before it was answered. */
const startingHoldMs = 900_000
/** A run whose services are being started by another request waits for that. */
const startWaitMs = 120_000

/** See `LeaseControl.acquire`. */
export async function acquireLease (deps: LeaseAcquireDeps, actor: Actor, workspaceId: string, body: AcquireLeaseBody): Promise<AcquiredLease> {
  const place = await openWorkspace(deps, actor, workspaceId)
  requireOnHost(place, deps.hostId)
  const turn = { resource: `run-lease:${place.id}:${body.runId.toLowerCase()}`, mode: 'exclusive' as const, purpose: 'starting its services', waitMs: startWaitMs }
  return await deps.locks.withLock(turn, async () => {
    // The lease first: from here on neither an archive nor an idle stop takes away what is being started.
    const taken = await whileUsable(deps, place, 'taking a lease', async current => ({ place: current, ...await take(deps, actor, current, body) }))
    const started = await startFor(deps, actor, taken, body)
    const lease = await settle(deps, taken.lease, body)
    if (lease === undefined) return await undo(deps, taken.lease)
    return { answer: await answerOf(deps, lease, started), isNew: taken.isNew }
  })
}

async function take ({ db, now }: LeaseAcquireDeps, actor: Actor, { id, companyId }: FoundPlace, body: AcquireLeaseBody): Promise<TakenLease> {
  const at = now()
  return await db.transaction().execute(async trx => await takeLease(trx, {
    workspace: { id, company_id: companyId },
    runId: body.runId,
    agentId: body.agentId ?? (actor.type === 'agent' ? actor.agentId : null),
    issueId: body.issueId ?? null,
    holdUntil: new Date(Math.max(at.getTime() + startingHoldMs, endOf(body, at).getTime())),
    actor,
    now: at
  }))
}

async function startFor (deps: LeaseAcquireDeps, actor: Actor, taken: TakenLease & { place: FoundPlace }, body: AcquireLeaseBody): Promise<StartedForRun | null> {
  const { lease, isNew, place } = taken
  try {
    return await deps.control.startForRun(actor, place, { runId: lease.run_id, agentId: lease.agent_id, issueId: lease.issue_id })
  } catch (error) {
    if (isNew) await deps.db.transaction().execute(async trx => await giveBackLease(trx, lease, actor))
    // What the run held before, it goes on holding.
    else await settle(deps, lease, body)
    throw error
  }
}

async function settle ({ db, now }: LeaseAcquireDeps, lease: LeaseRow, body: RenewLeaseBody): Promise<LeaseRow | undefined> {
  const at = now()
  return await db.transaction().execute(async trx => await settleLease(trx, lease, endOf(body, at), at))
}

/** The run ended while its services were being started: they end with it. */
async function undo ({ db, now, stops }: LeaseAcquireDeps, lease: LeaseRow): Promise<never> {
  await endLeaseNow(db, lease.id, now())
  await stops.stopDue({ runId: lease.run_id, isOurs: row => row.company_id === lease.company_id })
  throw new Conflict('The lease was released while its services were being started; they are stopped again.')
}

/** When a lease ends that is asked for now. */
export function endOf ({ ttlSec = defaultTtlSec }: RenewLeaseBody, now: Date): Date {
  return new Date(now.getTime() + ttlSec * 1000)
}

/** With what the workspace has running, and what was started where another workspace shares it. */
async function answerOf ({ db, view }: LeaseAcquireDeps, lease: LeaseRow, started: StartedForRun | null): Promise<LeaseAnswer> {
  const row = await findWorkspace(db, lease.execution_workspace_id)
  const shown = row === undefined ? [] : (await view.servicesOf(row)).filter(isLiveRow)
  return { ...toLease(lease), runtimeServices: withStarted(shown, started?.services ?? []), operation: started?.operation ?? null }
}
