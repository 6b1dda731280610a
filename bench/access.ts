/** What it costs to decide whether an agent may manage a workspace, in a company of many agents and issues. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import pino from 'pino'
import { openDatabase, type Db } from '../db/client.ts'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { pairMs, timeMs } from './measure.ts'
import { over, type Result } from './report.ts'

const agents = 10_000
const issues = 100_000
/** Reports of each agent: ten thousand are four levels deep. */
const reports = 10

/** A company with that many agents under one, and issues of theirs, each with a workspace of its own and all of one project workspace. */
async function seedHierarchy (db: Db): Promise<{ companyId: string, top: string, leaf: string, executionWorkspaceId: string, projectWorkspaceId: string }> {
  const [companyId, projectId, projectWorkspaceId] = [randomUUID(), randomUUID(), randomUUID()]
  await db.insertInto('companies').values({ id: companyId, name: 'Bench agents' }).execute()
  await db.insertInto('projects').values({ id: projectId, company_id: companyId, name: 'Bench agents' }).execute()
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main', is_primary: true }).execute()
  const agentId = (number: string) => sql.raw(`uuid_in(md5('${companyId}' || (${number})::text)::cstring)`)
  await sql`insert into agents (id, company_id, name, role, status, reports_to)
    select ${agentId('n')}, ${companyId}::uuid, 'agent ' || n, 'engineer', 'active', case when n = 0 then null else ${agentId(`(n - 1) / ${reports}`)} end
    from generate_series(0, ${agents - 1}::int) n`.execute(db)
  await sql`insert into execution_workspaces
    (id, company_id, project_id, project_workspace_id, mode, strategy_type, provider_type, name, status, branch_name, last_used_at, opened_at, created_at, updated_at)
    select gen_random_uuid(), ${companyId}::uuid, ${projectId}::uuid, ${projectWorkspaceId}::uuid, 'isolated_workspace', 'git_worktree', 'git_worktree', 'w' || n, 'active', 'b' || n, now(), now(), now(), now()
    from generate_series(1, 100) n`.execute(db)
  const [workspace] = await db.selectFrom('execution_workspaces').select('id').where('company_id', '=', companyId).limit(1).execute()
  await sql`insert into issues (id, company_id, title, status, project_id, project_workspace_id, assignee_agent_id, execution_workspace_id)
    select gen_random_uuid(), ${companyId}::uuid, 'issue ' || n, 'in_progress', ${projectId}::uuid, ${projectWorkspaceId}::uuid, ${agentId(`${agents - 1} - n % ${agents / 2}`)},
      case when n = 0 then ${workspace?.id ?? null}::uuid end
    from generate_series(0, ${issues - 1}::int) n`.execute(db)
  await sql`analyze agents, issues, execution_workspaces`.execute(db)
  const { rows } = await sql<{ top: string, leaf: string }>`select ${agentId('0')} as top, ${agentId(String(agents - 1))} as leaf`.execute(db)
  return { companyId, projectWorkspaceId, executionWorkspaceId: workspace?.id ?? '', top: rows[0]?.top ?? '', leaf: rows[0]?.leaf ?? '' }
}

/** The rule for who is at the top, whose subtree is everybody, and for who is at the bottom. */
export async function measureAgentRule (databaseUrl: string): Promise<Result[]> {
  const database = await openDatabase({ databaseUrl, dataDir: '', log: pino({ level: 'silent' }) })
  try {
    const { db } = database
    const { companyId, top, leaf, executionWorkspaceId, projectWorkspaceId } = await seedHierarchy(db)
    const access = createRuntimeAccess({ db })
    const measure = async (agentId: string, target: { executionWorkspaceId?: string, projectWorkspaceId?: string }) => {
      const actor = { type: 'agent' as const, agentId, companyId, runId: null }
      return await pairMs(50,
        async () => await timeMs(async () => await access.requireRuntimeManagement(actor, { companyId, ...target })),
        async () => await timeMs(async () => await sql`select 1`.execute(db)))
    }
    const what = `the agent rule, ${agents.toLocaleString('en')} agents, ${issues.toLocaleString('en')} issues`
    return [
      over(`${what}: the top one`, 'select 1', await measure(top, { executionWorkspaceId }), null),
      over(`${what}: one at the bottom`, 'select 1', await measure(leaf, { executionWorkspaceId }), null),
      over(`${what}: the top one, a project workspace`, 'select 1', await measure(top, { projectWorkspaceId }), null),
      over(`${what}: one at the bottom, a project workspace`, 'select 1', await measure(leaf, { projectWorkspaceId }), null)
    ]
  } finally {
    await database.close()
  }
}
