/** Making workspaces: who may, and what stays of a request that loses. */
import { randomUUID } from 'node:crypto'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { agentIn, isolated, issueIn, problemOf, workspaceHouse } from '../../fixtures/workspaces.ts'
import type { Actor } from '../../../services/access/actor.ts'

test('making workspaces', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('of many requests for one branch at once one is made, and only its row, branch and activity are there', async t => {
    const house = await workspaceHouse(t, db)
    const results = await Promise.allSettled(Array.from({ length: 6 }, async () => await isolated(house)))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'worktree_taken', statusCode: 409 })
    t.equal((await db.selectFrom('execution_workspaces').select('id').where('company_id', '=', house.companyId).execute()).length, 1)
    t.same((await db.selectFrom('activity_log').select('action').where('company_id', '=', house.companyId).orderBy('seq').execute()).map(({ action }) => action.split('.')[1]), ['created', 'updated'])
  })

  await t.test('of requests for one branch in different folders one is made; the others are told', async t => {
    const house = await workspaceHouse(t, db)
    const results = await Promise.allSettled(['a', 'b'].map(async folder => await isolated(house, { workspaceStrategy: { branchTemplate: 'same', worktreeParentDir: `.trees/${folder}` } })))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const live = await db.selectFrom('execution_workspaces').select('status').where('company_id', '=', house.companyId).where('status', '<>', 'provision_failed').execute()
    t.same(live, [{ status: 'active' }])
  })

  await t.test('different branches of one repository at once are all made', async t => {
    const house = await workspaceHouse(t, db)
    const made = await Promise.all(Array.from({ length: 5 }, async (_, index) => await isolated(house, { name: `feature ${index}` })))
    t.same(made.map(({ status }) => status), Array.from({ length: 5 }, () => 'active'))
    t.equal(new Set(made.map(({ cwd }) => cwd)).size, 5)
  })

  await t.test('an agent makes workspaces for issues of its own or of those who report to it, and a ceo for all', async t => {
    const house = await workspaceHouse(t, db)
    const boss = await agentIn(house)
    const worker = await agentIn(house, { reportsTo: boss })
    const [ceo, former] = [await agentIn(house, { role: 'ceo' }), await agentIn(house, { role: 'ceo', status: 'terminated' })]
    const sourceIssueId = await issueIn(house, { assigneeAgentId: worker })
    const create = async (agentId: string, body: object): Promise<unknown> => {
      const actor: Actor = { type: 'agent', agentId, companyId: house.companyId, runId: randomUUID() }
      return await house.control.create(actor, house.companyId, { projectId: house.projectId, ...body })
    }
    t.match(await create(worker, { sourceIssueId }), { status: 'active' })
    t.match(await create(boss, { sourceIssueId }), { status: 'active' })
    t.match(await create(ceo, {}), { status: 'active' })
    t.match(await problemOf(create(worker, {})), { statusCode: 403 }, 'without an issue')
    t.match(await problemOf(create(former, {})), { statusCode: 403 })
    for (const workspaceStrategy of [{ copyFiles: ['.env'] }, { provisionPolicy: 'always' }, { worktreeParentDir: null }]) {
      t.match(await problemOf(create(worker, { sourceIssueId, workspaceStrategy })), { code: 'forbidden_for_agents' })
    }
  })
})
