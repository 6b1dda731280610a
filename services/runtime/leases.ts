/** Leases of runs on workspaces: taken, renewed and ended, each change with its activity row; and what they mean for services. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { touchWorkspace } from '../../db/execution-workspaces.ts'
import { listLeasesOnServices, listStoppable, touchServicesOf, type LeaseOnService } from '../../db/leased-services.ts'
import { deleteLease, findUnreleasedLease, insertLease, releaseLease, renewLease, setLeaseEnd, type LeaseRow } from '../../db/run-leases.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import type { JsonObject } from '../../db/tables.ts'
import type { RunLease } from '../../openapi/schemas/lease.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import { decideStop, type LeaseFacts, type StopDecision } from './stop-policy.ts'

export interface TakeInput {
  workspace: { id: string, company_id: string }
  runId: string
  /** Null keeps what an earlier lease of the run has. */
  agentId: string | null
  issueId: string | null
  /** How long it is to hold at least. */
  holdUntil: Date
  actor: Actor
  now: Date
}

export interface TakenLease {
  lease: LeaseRow
  /** The run had none; else it is the one it had. */
  isNew: boolean
}

/** Takes the lease of a run, or holds on to the one it has. Pass a transaction; take turns for each run. */
export async function takeLease (trx: Db, { workspace, runId, agentId, issueId, holdUntil, actor, now }: TakeInput): Promise<TakenLease> {
  const renewed = await renewLease(trx, { workspaceId: workspace.id, runId, agentId, issueId, expiresAt: holdUntil, atLeast: true, now })
  if (renewed !== undefined) {
    await touchUsed(trx, renewed, now)
    return { lease: renewed, isNew: false }
  }
  // One whose time is up, and that nobody has seen yet, makes room first.
  const over = await findUnreleasedLease(trx, workspace.id, runId)
  if (over !== undefined) await endLease(trx, over, { action: 'lease_expired', actor: systemActor, now })
  const lease = await insertLease(trx, {
    id: randomUUID(), company_id: workspace.company_id, execution_workspace_id: workspace.id, run_id: runId, agent_id: agentId, issue_id: issueId, expires_at: holdUntil, created_at: now, updated_at: now
  })
  await record(trx, lease, 'lease_acquired', actor)
  await touchUsed(trx, lease, now)
  return { lease, isNew: true }
}

/** Moves the end of a live lease; undefined when the run has none. Pass a transaction. */
export async function prolongLease (trx: Db, { workspaceId, runId, expiresAt, now }: { workspaceId: string, runId: string, expiresAt: Date, now: Date }): Promise<LeaseRow | undefined> {
  const lease = await renewLease(trx, { workspaceId, runId, expiresAt, now })
  if (lease !== undefined) await touchUsed(trx, lease, now)
  return lease
}

/** Gives a lease that was just taken its real end; undefined when it was released meanwhile. Pass a transaction. */
export async function settleLease (trx: Db, { id }: LeaseRow, expiresAt: Date, now: Date): Promise<LeaseRow | undefined> {
  const lease = await setLeaseEnd(trx, id, expiresAt, now)
  if (lease !== undefined) await touchUsed(trx, lease, now)
  return lease
}

export interface EndInput {
  action: 'lease_released' | 'lease_expired'
  actor: Actor
  now: Date
  /** Further details of its activity. */
  details?: JsonObject
}

/** Ends a lease: idle time begins to count for what it held. Undefined when it ended or was renewed meanwhile. Pass a transaction. */
export async function endLease (trx: Db, lease: LeaseRow, { action, actor, now, details }: EndInput): Promise<LeaseRow | undefined> {
  const ended = await releaseLease(trx, lease.id, now, { overdue: action === 'lease_expired' })
  if (ended === undefined) return undefined
  await record(trx, ended, action, actor, { expiresAt: ended.expires_at.toISOString(), ...details })
  await touchServicesOf(trx, ended.execution_workspace_id, now)
  return ended
}

/** Takes a lease back for which nothing could be started: it leaves no trace but its activity. Pass a transaction. */
export async function giveBackLease (trx: Db, lease: LeaseRow, actor: Actor): Promise<void> {
  if (await deleteLease(trx, lease.id) === undefined) return
  await record(trx, lease, 'lease_released', actor, { reason: 'start_failed' })
}

async function touchUsed (trx: Db, lease: LeaseRow, now: Date): Promise<void> {
  await touchWorkspace(trx, lease.execution_workspace_id, now)
  await touchServicesOf(trx, lease.execution_workspace_id, now)
}

async function record (trx: Db, lease: LeaseRow, action: string, actor: Actor, details: JsonObject = {}): Promise<void> {
  const workspace = { id: lease.execution_workspace_id, company_id: lease.company_id }
  await recordWorkspaceActivity(trx, workspace, { actor, action, details: { leaseId: lease.id, runId: lease.run_id, agentId: lease.agent_id, issueId: lease.issue_id, ...details } })
}

/** A running service, and what should become of it. */
export interface JudgedService {
  row: ServiceRow
  decision: StopDecision
}

/** Judges what runs on a host (or those of it that are named) by its stop policies and the leases; two queries at most. */
export async function judgeServices (db: Db, { hostId, ids = null, now }: { hostId: string, ids?: readonly string[] | null, now: Date }): Promise<JudgedService[]> {
  const rows = await listStoppable(db, hostId, ids)
  if (rows.length === 0) return []
  const leases = Map.groupBy(await listLeasesOnServices(db, rows.map(({ id }) => id)), one => one.service_id)
  return rows.map(row => ({ row, decision: decideStop(row, factsOf(leases.get(row.id) ?? []), now) }))
}

function factsOf (leases: readonly LeaseOnService[]): LeaseFacts {
  const ended = leases.flatMap(({ run_id: runId, released_at: at }) => at === null ? [] : [{ runId, at: at.getTime() }])
  return {
    heldBy: leases.filter(one => one.released_at === null).map(one => one.run_id),
    ended: ended.toSorted((a, b) => b.at - a.at).map(({ runId }) => runId)
  }
}

export function toLease (row: LeaseRow): RunLease {
  return {
    id: row.id,
    companyId: row.company_id,
    executionWorkspaceId: row.execution_workspace_id,
    runId: row.run_id,
    agentId: row.agent_id,
    issueId: row.issue_id,
    expiresAt: row.expires_at.toISOString(),
    releasedAt: row.released_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}
