/** Lists of workspaces: a fixed number of queries, pages by the index, on both databases. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { test } from 'tap'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'
import type { Db } from '../../../db/client.ts'
import { listCompanyWorkspaces } from '../../../services/control/workspace-list.ts'
import { createWorkspaceView } from '../../../services/control/workspace-view.ts'
import { createCurrentServices } from '../../../services/runtime/current-services.ts'

/** Many workspaces of one project; five share each time of last use, so that ties are met. */
async function seed (db: Db, count: number): Promise<{ companyId: string, projectId: string }> {
  const { companyId, projectId } = await companyWithWorkspace(db)
  await db.deleteFrom('execution_workspaces').where('company_id', '=', companyId).execute()
  await sql`insert into execution_workspaces (id, company_id, project_id, mode, strategy_type, provider_type, name, status, last_used_at, created_at)
    select gen_random_uuid(), ${companyId}::uuid, ${projectId}::uuid, 'isolated_workspace', 'git_worktree', 'git_worktree', 'n' || i,
      case when i % 10 = 0 then 'archived' else 'active' end,
      timestamptz '2026-01-01' + (i / 5) * interval '1 second', timestamptz '2026-01-01' + (i % 2) * interval '1 minute'
    from generate_series(1, ${count}::integer) i`.execute(db)
  return { companyId, projectId }
}

test('lists of workspaces', async t => {
  await onBothDatabases(t, 'pages follow each other without gaps or repeats, in one order', async (t, { db }) => {
    const { companyId } = await seed(db, 57)
    let queries = 0
    const counting = db.withPlugin({
      transformQuery: ({ node }) => {
        queries++
        return node
      },
      transformResult: async ({ result }) => result
    })
    const deps = { db: counting, view: createWorkspaceView({ currentServicesOf: createCurrentServices({ db: counting }) }) }
    const seen: string[] = []
    const perPage: number[] = []
    let cursor: string | undefined
    do {
      queries = 0
      const page = await listCompanyWorkspaces(deps, companyId, { limit: 10, ...(cursor === undefined ? {} : { cursor }) })
      perPage.push(queries)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    const expected = await db.selectFrom('execution_workspaces').select('id').where('company_id', '=', companyId)
      .orderBy('last_used_at', 'desc').orderBy('created_at', 'desc').orderBy('id', 'desc').execute()
    t.same(seen, expected.map(({ id }) => id))
    t.same([...new Set(perPage)], [2], 'the rows and their services, whatever the page holds')
  })

  await onBothDatabases(t, 'a deep page is entered through the index', async (t, { db }) => {
    const { companyId } = await seed(db, 5_000)
    await sql`analyze execution_workspaces`.execute(db)
    const deep = new Date('2026-01-01T00:02:00.000Z')
    const { rows } = await sql<Record<string, string>>`explain select * from execution_workspaces where company_id = ${sql.lit(companyId)}
      and (last_used_at, created_at, id) < (${sql.lit(deep.toISOString())}::timestamptz, ${sql.lit(deep.toISOString())}::timestamptz, ${sql.lit(randomUUID())}::uuid)
      order by last_used_at desc, created_at desc, id desc limit 101`.execute(db)
    const plan = rows.map(row => Object.values(row)[0]).join('\n')
    t.match(plan, /Index Cond: .*ROW\(last_used_at, created_at, id\) < ROW/)
    t.notMatch(plan, /Sort/)
  })
})
