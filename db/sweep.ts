/** Queries that find what the sweeper has to look at: each is answered by an index, and answers ids only. */
import { sql } from 'kysely'
import { cleanupPolicyNumber } from './cleanup-policy.ts'
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

const open = sql`('active', 'idle', 'in_review')`

/** Workspaces of this host (or of none) that some rule wants archived, or whose clean-up failed; oldest first. */
export async function listSweepable (db: Db, hostId: string, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with mine as not materialized (select * from execution_workspaces where host_id = ${hostId}::uuid or host_id is null)
    select id from (
      select id, created_at from mine where cleanup_eligible_at <= ${now} and closed_at is null and status in ${open}
      union
      select id, created_at from mine where status = 'cleanup_failed'
      union
      select w.id, w.created_at from projects p join mine w on w.company_id = p.company_id and w.project_id = p.id
        where ${cleanupPolicyNumber('archiveIdleAfterSec')} is not null and w.status in ${open}
          and w.last_used_at <= ${now}::timestamptz - make_interval(secs => ${cleanupPolicyNumber('archiveIdleAfterSec')})
    ) due order by created_at, id`.execute(db)
  return rows.map(({ id }) => id)
}

/** Archived workspaces of this host whose project says how long rescue snapshots are kept, and whose time is over. */
export async function listExpiredRescues (db: Db, hostId: string, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select w.id from projects p join execution_workspaces w on w.company_id = p.company_id and w.project_id = p.id
    where ${cleanupPolicyNumber('retainRescueDays')} is not null and w.host_id = ${hostId}::uuid and w.status = 'archived'
      and (w.rescue ->> 'ref' is not null or w.rescue ->> 'folder' is not null)
      and w.closed_at <= ${now}::timestamptz - make_interval(secs => ${cleanupPolicyNumber('retainRescueDays')} * 86400)
    order by w.closed_at, w.id`.execute(db)
  return rows.map(({ id }) => id)
}

export type ArchiveEnd = Pick<Row<'workspace_operations'>, 'status' | 'finished_at'>

/** How the last archives of a workspace ended, the newest first; steps of theirs are left out. */
export async function listArchiveEnds (db: Db, workspaceId: string, limit: number): Promise<ArchiveEnd[]> {
  return await db.selectFrom('workspace_operations').select(['status', 'finished_at'])
    .where('execution_workspace_id', '=', workspaceId).where('phase', '=', 'worktree_cleanup')
    .where(sql<boolean>`metadata ->> 'action' = 'archive'`).where('finished_at', 'is not', null)
    .orderBy('seq', 'desc').limit(limit).execute()
}
