/** Which agents may manage a workspace's runtime: the table of the rule, on both databases. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { NewRow } from '../../../db/tables.ts'
import type { Db } from '../../../db/client.ts'
import { createRuntimeAccess } from '../../../services/access/runtime-access.ts'
import { agentOf, nobody, person } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'

const companyId = randomUUID()
const otherCompanyId = randomUUID()
const projectId = randomUUID()
const projectWorkspaceId = randomUUID()
const workspaceId = randomUUID()
const sourceIssueId = randomUUID()

async function addAgent (db: Db, values: Partial<NewRow<'agents'>> = {}): Promise<string> {
  const id = values.id ?? randomUUID()
  await db.insertInto('agents').values({ company_id: companyId, name: 'a', role: 'engineer', status: 'active', ...values, id }).execute()
  return id
}

async function addIssue (db: Db, values: Partial<NewRow<'issues'>>): Promise<void> {
  await db.insertInto('issues').values({ id: randomUUID(), company_id: companyId, title: 'a', status: 'in_progress', ...values }).execute()
}

onBothDatabases(t, 'managing runtime', async (t, { db }) => {
  await db.insertInto('companies').values([{ id: companyId, name: 'a' }, { id: otherCompanyId, name: 'b' }]).execute()
  await db.insertInto('projects').values({ id: projectId, company_id: companyId, name: 'a' }).execute()
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'a' }).execute()
  await addIssue(db, { id: sourceIssueId })
  await db.insertInto('execution_workspaces').values({
    id: workspaceId,
    company_id: companyId,
    project_id: projectId,
    source_issue_id: sourceIssueId,
    mode: 'isolated_workspace',
    strategy_type: 'git_worktree',
    provider_type: 'git_worktree',
    name: 'a',
    status: 'active'
  }).execute()

  const { requireRuntimeManagement } = createRuntimeAccess({ db })
  const ofWorkspace = { companyId, executionWorkspaceId: workspaceId }
  const ofProject = { companyId, projectWorkspaceId }
  const may = async (agentId: string, target = ofWorkspace as { companyId: string }) =>
    await requireRuntimeManagement(agentOf(companyId, agentId), target).then(() => true, (error: { code: string }) => error.code === 'forbidden' ? false : error)

  t.test('people need write access', async t => {
    await requireRuntimeManagement(person(companyId, 'member'), ofWorkspace)
    await t.rejects(requireRuntimeManagement(person(companyId, 'viewer'), ofWorkspace), { code: 'forbidden' })
    await t.rejects(requireRuntimeManagement(person(otherCompanyId, 'owner'), ofWorkspace), { code: 'forbidden' })
    await t.rejects(requireRuntimeManagement(nobody, ofWorkspace), { code: 'unauthenticated' })
  })

  t.test('an agent without a record, without an issue, or of another company may not', async t => {
    t.equal(await may(randomUUID()), false)
    t.equal(await may(await addAgent(db)), false)
    await t.rejects(requireRuntimeManagement(agentOf(otherCompanyId, await addAgent(db, { role: 'ceo' })), ofWorkspace), { code: 'forbidden' })
  })

  t.test('the role ceo may, unless terminated', async t => {
    t.equal(await may(await addAgent(db, { role: 'ceo' })), true)
    t.equal(await may(await addAgent(db, { role: 'ceo', status: 'terminated' })), false)
  })

  for (const status of ['backlog', 'todo', 'in_progress', 'in_review', 'blocked', 'done', 'cancelled'] as const) {
    const open = status !== 'done' && status !== 'cancelled'
    t.test(`an issue that is ${status} ${open ? 'gives' : 'does not give'} the right`, async t => {
      const agent = await addAgent(db)
      await addIssue(db, { assignee_agent_id: agent, execution_workspace_id: workspaceId, status })
      t.equal(await may(agent), open)
    })
  }

  t.test('a hidden issue, or one that is not linked, does not give the right', async t => {
    const agent = await addAgent(db)
    await addIssue(db, { assignee_agent_id: agent, execution_workspace_id: workspaceId, hidden_at: new Date() })
    await addIssue(db, { assignee_agent_id: agent, project_id: projectId })
    t.equal(await may(agent), false)
  })

  t.test('a terminated agent may not, whatever is assigned to it', async t => {
    const agent = await addAgent(db, { status: 'terminated' })
    await addIssue(db, { assignee_agent_id: agent, execution_workspace_id: workspaceId })
    t.equal(await may(agent), false)
  })

  t.test('the source issue of the workspace counts as linked', async t => {
    const agent = await addAgent(db)
    await db.updateTable('issues').set({ assignee_agent_id: agent }).where('id', '=', sourceIssueId).execute()
    t.equal(await may(agent), true)
  })

  t.test('what somebody below works on gives the right to those above, at any depth', async t => {
    const top = await addAgent(db)
    const middle = await addAgent(db, { reports_to: top })
    const bottom = await addAgent(db, { reports_to: middle })
    const beside = await addAgent(db)
    await addIssue(db, { assignee_agent_id: bottom, execution_workspace_id: workspaceId })
    t.equal(await may(top), true)
    t.equal(await may(middle), true)
    t.equal(await may(beside), false)
  })

  t.test('a terminated agent between cuts off those below', async t => {
    const top = await addAgent(db)
    const gone = await addAgent(db, { reports_to: top, status: 'terminated' })
    const bottom = await addAgent(db, { reports_to: gone })
    await addIssue(db, { assignee_agent_id: gone, execution_workspace_id: workspaceId })
    await addIssue(db, { assignee_agent_id: bottom, execution_workspace_id: workspaceId })
    t.equal(await may(top), false)
  })

  t.test('a circle of reports ends', async t => {
    const one = await addAgent(db)
    const other = await addAgent(db, { reports_to: one })
    await db.updateTable('agents').set({ reports_to: other }).where('id', '=', one).execute()
    t.equal(await may(one), false)
    await addIssue(db, { assignee_agent_id: other, execution_workspace_id: workspaceId })
    t.equal(await may(one), true)
  })

  t.test('a project workspace is linked by the project workspace of the issue, and by nothing else', async t => {
    const agent = await addAgent(db)
    await addIssue(db, { assignee_agent_id: agent, execution_workspace_id: workspaceId })
    t.equal(await may(agent, ofProject), false)
    await addIssue(db, { assignee_agent_id: agent, project_workspace_id: projectWorkspaceId })
    t.equal(await may(agent, ofProject), true)
    const other = await addAgent(db)
    await addIssue(db, { assignee_agent_id: other, project_workspace_id: projectWorkspaceId })
    t.equal(await may(other, ofWorkspace), false)
  })
})
