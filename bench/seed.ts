/** Fills a database with many workspaces, in SQL, in one go. */
import { sql } from 'kysely'
import type { Db } from '../db/client.ts'

export interface Seeded {
  companyId: string
  projectId: string
  projectWorkspaceId: string
}

/** Makes a company with one project and its checkout at `cwd`, and `count` workspaces of it, each last used a second before the next. */
export async function seedWorkspaces (db: Db, ids: Seeded, cwd: string, count: number): Promise<void> {
  await db.insertInto('companies').values({ id: ids.companyId, name: 'Bench' }).execute()
  await db.insertInto('projects').values({ id: ids.projectId, company_id: ids.companyId, name: 'Bench' }).execute()
  await db.insertInto('project_workspaces').values({ id: ids.projectWorkspaceId, company_id: ids.companyId, project_id: ids.projectId, name: 'Main', cwd, is_primary: true }).execute()
  await sql`insert into execution_workspaces
    (id, company_id, project_id, project_workspace_id, mode, strategy_type, provider_type, name, status, branch_name, last_used_at, opened_at, created_at, updated_at)
    select gen_random_uuid(), ${ids.companyId}::uuid, ${ids.projectId}::uuid, ${ids.projectWorkspaceId}::uuid, 'isolated_workspace', 'git_worktree', 'git_worktree',
      'workspace ' || n, 'active', 'branch-' || n,
      t, t, t, t
    from generate_series(1, ${count}::int) n, lateral (select date_trunc('milliseconds', now()) - n * interval '1 second' as t)`.execute(db)
}

/** Gives one workspace `count` finished operations. */
export async function seedOperations (db: Db, companyId: string, workspaceId: string, count: number): Promise<void> {
  await sql`insert into workspace_operations (id, company_id, execution_workspace_id, phase, status, command, finished_at)
    select gen_random_uuid(), ${companyId}::uuid, ${workspaceId}::uuid, 'workspace_provision', 'succeeded', 'true', now()
    from generate_series(1, ${count}::int)`.execute(db)
}
