/** Every resource of the directory over HTTP, the same way: list, create, put, get, delete. */
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { buildTestApp } from '../fixtures/app.ts'

const company = `/api/companies/${ids.company}`
const resources: [name: string, collection: string, id: string, body: Record<string, unknown>][] = [
  ['companies', '/api/companies', ids.company, { name: 'Example Company' }],
  ['projects', `${company}/projects`, ids.project, { name: 'Greeter', executionWorkspacePolicy: { enabled: true, defaultMode: 'isolated' } }],
  ['project workspaces', `${company}/projects/${ids.project}/workspaces`, ids.projectWorkspace, { name: 'Main' }],
  ['agents', `${company}/agents`, ids.agent, { name: 'Ada', role: 'ceo' }],
  ['issues', `${company}/issues`, ids.issue, { title: 'Friendlier', identifier: 'A-1', status: 'todo', projectId: ids.project, hiddenAt: '2026-01-31T13:00:00+01:00' }]
]

t.test('the directory over HTTP', async t => {
  const { call } = await buildTestApp(t)

  for (const [name, collection, id, body] of resources) {
    t.test(`${name} are put, read and listed`, async t => {
      t.equal((await call('GET', `${collection}/${id}`)).status, 404)
      const put = await call('PUT', `${collection}/${id}`, body)
      t.equal(put.status, 201, put.text)
      t.match(put.body, { ...body, id, ...(name === 'issues' ? { hiddenAt: '2026-01-31T12:00:00.000Z' } : {}) })
      t.match(put.body.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      t.equal((await call('PUT', `${collection}/${id}`, body)).status, 200)
      t.same((await call('GET', `${collection}/${id}`)).body, put.body)
      t.same((await call('GET', collection)).body, [put.body])
    })
  }

  t.test('what is made by POST can be deleted, once', async t => {
    for (const [name, collection, , body] of [...resources].reverse()) {
      const made = await call('POST', collection, body)
      t.equal(made.status, 201, name)
      const url = String(made.headers['location'])
      t.equal(url, `${collection}/${made.body.id}`)
      t.equal((await call('DELETE', url, undefined)).status, 204, name)
      t.equal((await call('DELETE', url)).status, 404)
    }
  })

  t.test('what is still needed is not deleted', async t => {
    const answer = await call('DELETE', company)
    t.match(answer, { status: 409, body: { code: 'still_in_use', detail: 'Still needed by 1 project, 1 agent, 1 open issue.', holders: { projects: 1, agents: 1, issues: 1 } } })
  })

  t.test('unknown statuses and modes are a 400 that names the known ones', async t => {
    t.match(await call('PUT', `${company}/issues/${ids.issue}`, { title: 'a', status: 'asleep' }), { status: 400, body: { errors: [{ pointer: '/status', message: /backlog.*cancelled/ }] } })
    t.match(await call('PUT', `${company}/projects/${ids.project}`, { name: 'a', executionWorkspacePolicy: { defaultMode: 'chaos' } }), { status: 400, body: { errors: [{ pointer: '/executionWorkspacePolicy/defaultMode' }] } })
    t.match(await call('PUT', `${company}/projects/${ids.project}`, { name: 'a', executionWorkspacePolicy: { workspaceStrategy: { typ: 'git_worktree' } } }), { status: 400, body: { errors: [{ pointer: '/executionWorkspacePolicy/workspaceStrategy/typ' }] } })
  })
})
