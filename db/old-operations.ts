/** Queries on operations that ended some time ago: whose logs are compressed or removed, which are removed themselves. */
import { sql } from 'kysely'
import { cleanupPolicyNumber } from './cleanup-policy.ts'
import type { Db } from './client.ts'

/** A row in such a list; the list goes on after it. */
export interface OldOperation {
  id: string
  /** When it ended, exact, as the database writes it. */
  finishedAt: string
}

export interface OldLog extends OldOperation {
  logRef: string
  logSha256: string | null
  /** Days its project keeps logs; null where it does not say. */
  retainDays: number | null
}

export interface OldSlice {
  hostId: string
  /** Only what ended before. */
  before: Date
  limit: number
  /** The last row of the slice before; null for the oldest. */
  after: OldOperation | null
}

function listOld (db: Db, { hostId, before, limit, after }: OldSlice) {
  const query = db.selectFrom('workspace_operations as o')
    .select(['o.id', sql<string>`o.finished_at::text`.as('finishedAt')])
    .where('o.host_id', '=', hostId).where('o.finished_at', 'is not', null).where('o.finished_at', '<', before)
    .orderBy('o.finished_at').orderBy('o.id').limit(limit)
  return after === null ? query : query.where(sql<boolean>`(o.finished_at, o.id) > (${after.finishedAt}::timestamptz, ${after.id}::uuid)`)
}

/** Ended operations with a log that is worth compressing and is not yet, the oldest first. */
export async function listUncompressedLogs (db: Db, slice: OldSlice): Promise<Array<OldOperation & { logRef: string, logSha256: string }>> {
  const rows = await listOld(db, slice)
    .select(['o.log_ref as logRef', 'o.log_sha256 as logSha256'])
    .where('o.log_ref', 'is not', null).where('o.log_compressed', '=', false).where('o.log_bytes', '>', '4096').execute()
  return rows.flatMap(({ logRef, logSha256, ...row }) => logRef === null || logSha256 === null ? [] : [{ ...row, logRef, logSha256 }])
}

/** Nothing a client counts as a change of the operation. */
export async function markLogCompressed (db: Db, id: string): Promise<void> {
  await db.updateTable('workspace_operations').set({ log_compressed: true }).where('id', '=', id).where('log_ref', 'is not', null).execute()
}

/** Ended operations that have a log, the oldest first, with what their projects say about keeping it. */
export async function listOldLogs (db: Db, slice: OldSlice): Promise<OldLog[]> {
  const rows = await listOld(db, slice)
    .leftJoin('execution_workspaces as w', 'w.id', 'o.execution_workspace_id')
    .leftJoin('project_workspaces as pw', 'pw.id', 'o.project_workspace_id')
    .leftJoin('projects as p', join => join.on(sql<boolean>`p.id = coalesce(w.project_id, pw.project_id)`))
    .select(['o.log_ref as logRef', 'o.log_sha256 as logSha256', cleanupPolicyNumber('retainLogDays').as('retainDays')])
    .where('o.log_ref', 'is not', null).execute()
  return rows.flatMap(({ logRef, ...row }) => logRef === null ? [] : [{ ...row, logRef }])
}

/** The shortest time any project keeps logs, in days; null when none says. */
export async function shortestLogRetention (db: Db): Promise<number | null> {
  const row = await db.selectFrom('projects as p').select(sql<number | null>`min(${cleanupPolicyNumber('retainLogDays')})`.as('days')).executeTakeFirst()
  return row?.days ?? null
}

/** The logs of these are gone; what was known of them stays. */
export async function forgetLogs (db: Db, ids: readonly string[]): Promise<void> {
  await db.updateTable('workspace_operations').set({ log_ref: null, log_store: null, log_compressed: false })
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).execute()
}

/** Ended operations that nothing needs any more, the oldest first: those of closing and reopening are needed while there is a rescue. */
export async function listOldOperations (db: Db, slice: OldSlice): Promise<Array<OldOperation & { logRef: string | null }>> {
  return await listOld(db, slice).select('o.log_ref as logRef')
    .where(sql<boolean>`not (o.phase in ('worktree_cleanup', 'workspace_rescue', 'workspace_restore') and exists (
      select from execution_workspaces w where w.id = o.execution_workspace_id and (w.rescue is not null or w.status = 'cleanup_failed')))`)
    .execute()
}

export async function deleteOperations (db: Db, ids: readonly string[]): Promise<void> {
  await db.deleteFrom('workspace_operations').where(eb => eb('id', '=', eb.fn.any(eb.val([...ids]))))
    .where('status', 'not in', ['running', 'queued']).execute()
}

/** Which of these operations have a log. */
export async function listOperationsWithLog (db: Db, ids: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('workspace_operations').select('id')
    .where(eb => eb('id', '=', eb.fn.any(eb.val([...ids])))).where('log_ref', 'is not', null).execute()
  return rows.map(({ id }) => id)
}
