import { randomUUID } from 'node:crypto'
import t from 'tap'
import { stillInUse, unknownReference } from '../../../services/directory/violations.ts'
import { onBothDatabases } from '../../fixtures/database.ts'

onBothDatabases(t, 'a broken reference is named by the field of the body it came from', async (t, { db }) => {
  const companyId = randomUUID()
  await db.insertInto('companies').values({ id: companyId, name: 'x' }).execute()
  const issue = { id: randomUUID(), company_id: companyId, title: 'x', status: 'todo' as const }
  const broken: [string, Record<string, string>][] = [
    ['/projectId', { project_id: randomUUID() }],
    ['/projectWorkspaceId', { project_workspace_id: randomUUID() }],
    ['/assigneeAgentId', { assignee_agent_id: randomUUID() }],
    ['/executionWorkspaceId', { execution_workspace_id: randomUUID() }]
  ]
  for (const [pointer, column] of broken) {
    const error = await db.insertInto('issues').values({ ...issue, ...column }).execute().then(() => null, (cause: unknown) => cause)
    t.match(unknownReference(error), { code: 'invalid_reference', statusCode: 422, members: { errors: [{ pointer }] } }, pointer)
  }
  const agent = { id: randomUUID(), company_id: companyId, name: 'x', role: 'general', status: 'active', reports_to: randomUUID() }
  const error = await db.insertInto('agents').values(agent).execute().then(() => null, (cause: unknown) => cause)
  t.match(unknownReference(error), { code: 'invalid_reference', members: { errors: [{ pointer: '/reportsTo' }] } })
  const stray = await db.insertInto('projects').values({ id: randomUUID(), company_id: randomUUID(), name: 'x' }).execute().then(() => null, (cause: unknown) => cause)
  t.match(unknownReference(stray), { code: 'not_found' }, 'the company of the path is absent')
  t.match(stillInUse.fromViolation(stray), { code: 'still_in_use' })
})

t.test('other errors are left alone', async t => {
  t.equal(unknownReference(new Error('x')), null)
  t.equal(stillInUse.fromViolation(new Error('x')), null)
})

t.test('what holds a deletion up is counted, in the singular and the plural', async t => {
  stillInUse.throwIfHeld({ issues: 0 })
  t.throws(() => stillInUse.throwIfHeld({ issues: 1, agents: 2, projects: 0 }), { code: 'still_in_use', message: 'Still needed by 1 open issue, 2 agents.', members: { holders: { issues: 1, agents: 2 } } })
})
