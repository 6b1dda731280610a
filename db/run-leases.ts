/** Queries on run_leases: the one live lease of a run on a workspace, its renewal, its end. */
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row } from './tables.ts'

export type LeaseRow = Row<'run_leases'>

/** A second lease of the run that is not released is refused by `run_leases_one_live`. */
export async function insertLease (db: Db, row: NewRow<'run_leases'>): Promise<LeaseRow> {
  return await db.insertInto('run_leases').values(row).returningAll().executeTakeFirstOrThrow()
}

export interface LeaseRenewal {
  workspaceId: string
  runId: string
  /** Null keeps what the lease has. */
  agentId?: string | null
  issueId?: string | null
  /** The new end; with `atLeast` only when it is later than the present one. */
  expiresAt: Date
  atLeast?: boolean
  now: Date
}

/** Moves the end of a live lease; undefined when the run has none, or its time is up. */
export async function renewLease (db: Db, { workspaceId, runId, agentId = null, issueId = null, expiresAt, atLeast = false, now }: LeaseRenewal): Promise<LeaseRow | undefined> {
  return await db.updateTable('run_leases')
    .set(eb => ({
      expires_at: atLeast ? sql<Date>`greatest(expires_at, ${expiresAt}::timestamptz)` : expiresAt,
      agent_id: eb.fn.coalesce(eb.val(agentId), 'agent_id'),
      issue_id: eb.fn.coalesce(eb.val(issueId), 'issue_id'),
      updated_at: now
    }))
    .where('execution_workspace_id', '=', workspaceId).where('run_id', '=', runId)
    .where('released_at', 'is', null).where('expires_at', '>', now)
    .returningAll().executeTakeFirst()
}

/** Sets the end of a lease that is not released; undefined when it is. */
export async function setLeaseEnd (db: Db, id: string, expiresAt: Date, now: Date): Promise<LeaseRow | undefined> {
  return await db.updateTable('run_leases').set({ expires_at: expiresAt, updated_at: now })
    .where('id', '=', id).where('released_at', 'is', null).returningAll().executeTakeFirst()
}

/** Releases a lease; with `overdue` only when its time is up. Undefined when it was released (or renewed) meanwhile. */
export async function releaseLease (db: Db, id: string, now: Date, { overdue = false } = {}): Promise<LeaseRow | undefined> {
  let query = db.updateTable('run_leases').set({ released_at: now, updated_at: now })
    .where('id', '=', id).where('released_at', 'is', null)
  if (overdue) query = query.where('expires_at', '<=', now)
  return await query.returningAll().executeTakeFirst()
}

/** Says that a released lease ended only now: what was started for it meanwhile has ended with it. */
export async function endLeaseNow (db: Db, id: string, now: Date): Promise<void> {
  await db.updateTable('run_leases').set({ released_at: now, updated_at: now }).where('id', '=', id).execute()
}

/** Removes a lease that came to nothing; undefined when it was released meanwhile. */
export async function deleteLease (db: Db, id: string): Promise<LeaseRow | undefined> {
  return await db.deleteFrom('run_leases').where('id', '=', id).where('released_at', 'is', null).returningAll().executeTakeFirst()
}

/** The lease of a run on a workspace that is not released, its time up or not. */
export async function findUnreleasedLease (db: Db, workspaceId: string, runId: string): Promise<LeaseRow | undefined> {
  return await db.selectFrom('run_leases').selectAll()
    .where('execution_workspace_id', '=', workspaceId).where('run_id', '=', runId).where('released_at', 'is', null)
    .executeTakeFirst()
}

/** Leases of a run that are not released, on all workspaces, the oldest first. */
export async function listUnreleasedOfRun (db: Db, runId: string): Promise<LeaseRow[]> {
  return await db.selectFrom('run_leases').selectAll()
    .where('run_id', '=', runId).where('released_at', 'is', null)
    .orderBy('created_at').orderBy('id').execute()
}

/** Live leases of a workspace, the newest first. */
export async function listLiveLeases (db: Db, workspaceId: string, now: Date, { limit, after }: CreatedSlice): Promise<LeaseRow[]> {
  return await db.selectFrom('run_leases').selectAll()
    .where('execution_workspace_id', '=', workspaceId).where('released_at', 'is', null).where('expires_at', '>', now)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** Leases whose time is up, on workspaces of this host or of none (of any, when null), the first to end first. */
export async function listOverdueLeases (db: Db, hostId: string | null, now: Date, limit: number): Promise<LeaseRow[]> {
  return await db.selectFrom('run_leases').selectAll('run_leases')
    .innerJoin('execution_workspaces', 'execution_workspaces.id', 'run_leases.execution_workspace_id')
    .where('run_leases.released_at', 'is', null).where('run_leases.expires_at', '<=', now)
    .where(hostId === null ? everything : eb => eb.or([eb('execution_workspaces.host_id', '=', hostId), eb('execution_workspaces.host_id', 'is', null)]))
    .orderBy('run_leases.expires_at').limit(limit).execute()
}
