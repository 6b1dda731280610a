/** Workspaces over HTTP: made, shown, listed, changed; and what bad input gets. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { agentOf, nobody, person } from '../fixtures/app.ts'
import { runGit } from '../fixtures/git.ts'
import { httpHouse } from '../fixtures/http-workspaces.ts'

for (const kind of ['pglite', 'postgres'] as const) {
  test(`the life of workspaces over HTTP (${kind})`, async t => {
    const house = await httpHouse(t, { kind })
    const { call, company } = house
    const sourceIssueId = await house.issue()

    await t.test('POST makes the files, answers 201 with Location and ETag; GET gives the same', async t => {
      const made = await house.create({ mode: 'isolated_workspace', sourceIssueId, config: { provisionCommand: 'echo hello' }, metadata: { ticket: 7, createdByRuntime: false } })
      t.equal(made.status, 201, made.text)
      t.match(made.body, {
        status: 'active', mode: 'isolated_workspace', branchName: 'ACME-7-fix-the-login-page', name: 'ACME-7 Fix the login page', sourceIssueId, config: { provisionCommand: 'echo hello', teardownCommand: null }, metadata: { ticket: 7, createdByRuntime: true, config: { provisionCommand: 'echo hello' } }, runtimeServices: []
      })
      t.ok(existsSync(made.body.cwd))
      t.equal(made.headers.location, `/api/execution-workspaces/${made.body.id}`)
      const got = await call('GET', String(made.headers.location))
      t.same(got.body, made.body)
      t.equal(got.headers.etag, made.headers.etag)
      t.ok(String(got.headers.etag).startsWith(`"${made.body.version}-`), 'the version is the part that If-Match goes by')
      const issue = await call('GET', `${company}/issues/${sourceIssueId}`)
      t.equal(issue.body.executionWorkspaceId, made.body.id)
      const operations = await call('GET', `/api/execution-workspaces/${made.body.id}/workspace-operations`)
      t.same(operations.body.map((one: { phase: string }) => one.phase), ['workspace_provision', 'worktree_prepare'])
      const activity = await call('GET', `${company}/activity`)
      t.equal(activity.body.filter((one: { action: string }) => one.action === 'execution_workspace.created').length, 1)
    })

    await t.test('two requests for one branch at once: one workspace, one 409 that names it', async t => {
      const body = { mode: 'isolated_workspace', workspaceStrategy: { branchTemplate: 'raced' } }
      const answers = await Promise.all([house.create(body), house.create(body), house.create(body)])
      t.same(answers.map(({ status }) => status).sort(), [201, 409, 409])
      const winner = answers.find(({ status }) => status === 201)?.body.id
      for (const { body } of answers.filter(({ status }) => status === 409)) {
        t.match(body, { code: 'worktree_taken', workspaceId: winner })
      }
      const listed = await call('GET', `${company}/execution-workspaces?branchName=raced`)
      t.same(listed.body.map((one: { status: string }) => one.status), ['active'], 'the losers leave no row')
    })

    await t.test('a worktree is shared only when the request says so', async t => {
      const body = { mode: 'isolated_workspace', workspaceStrategy: { branchTemplate: 'shared-tree' } }
      const first = await house.create(body)
      t.equal((await house.create(body)).status, 409)
      const second = await house.create({ ...body, reuse: true })
      t.equal(second.status, 201)
      t.equal(second.body.cwd, first.body.cwd)
      t.equal((await house.create(body)).status, 409, 'a sharer does not open it for others')
    })

    await t.test('PATCH changes what it names, counts the version and keeps what a config patch leaves out', async t => {
      const { body: made } = await house.create({ name: 'shared', metadata: { keep: true }, config: { cleanupCommand: 'echo bye', provisionCommand: 'true' } })
      t.match(made, { mode: 'shared_workspace', strategyType: 'project_primary', providerType: 'local_fs', cwd: house.repository })
      const url = `/api/execution-workspaces/${made.id}`
      const patched = await call('PATCH', url, { name: 'renamed', status: 'in_review', config: { provisionCommand: null, desiredState: 'stopped' }, cleanupEligibleAt: '2030-01-31T12:00:00+01:00' }, { headers: { 'if-match': `"${made.version}"` } })
      t.match(patched.body, { name: 'renamed', status: 'in_review', version: made.version + 1, cleanupEligibleAt: '2030-01-31T11:00:00.000Z', config: { provisionCommand: null, cleanupCommand: 'echo bye', desiredState: 'stopped' }, metadata: { keep: true } })
      const stale = await call('PATCH', url, { name: 'lost' }, { headers: { 'if-match': `"${made.version}"` } })
      t.match(stale, { status: 412, body: { code: 'precondition_failed' } })
      t.equal((await call('PATCH', url, { config: null })).body.config, null)
      const readModifyWrite = await call('PATCH', url, { metadata: { ...patched.body.metadata, more: 1, createdByRuntime: true } })
      t.match(readModifyWrite.body, { metadata: { keep: true, more: 1, createdByRuntime: false }, config: { cleanupCommand: 'echo bye' } }, 'a config inside metadata is the config; who made the files is not the client\'s to say')
      const activity = await call('GET', `${company}/activity?limit=3`)
      t.match(activity.body[2], { action: 'execution_workspace.updated', details: { changed: ['name', 'cleanupEligibleAt', 'config.provisionCommand', 'config.desiredState', 'status'] } })
    })

    await t.test('PATCH to archived archives, leaving archived restores the files', async t => {
      const { body: made } = await house.create({ mode: 'isolated_workspace', name: 'closing' })
      const url = `/api/execution-workspaces/${made.id}`
      const archived = await call('PATCH', url, { status: 'archived', name: 'closed' })
      t.match(archived, { status: 200, body: { status: 'archived', name: 'closed' } }, archived.text)
      t.notOk(existsSync(made.cwd))
      const restored = await call('PATCH', url, { status: 'in_review' })
      t.match(restored, { status: 200, body: { status: 'in_review' } }, restored.text)
      const [last] = (await call('GET', `/api/companies/${restored.body.companyId}/activity?limit=1&entityId=${restored.body.id}`)).body
      t.match(last, { action: 'execution_workspace.restored', details: { status: 'in_review' } }, 'one step, with the status that was asked for')
      t.ok(existsSync(made.cwd))
    })

    await t.test('lists are filtered, ordered by last use and paged by cursor without gaps', async t => {
      const all = await call('GET', `${company}/execution-workspaces`)
      const ids = all.body.map((one: { id: string }) => one.id)
      t.ok(ids.length >= 5)
      const seen: string[] = []
      for (let url: string | undefined = `${company}/execution-workspaces?limit=2&summary=true`; url !== undefined;) {
        const page = await call('GET', url)
        seen.push(...page.body.map((one: { id: string }) => one.id))
        t.ok(page.body.every((one: object) => Object.keys(one).length === 4))
        url = /<([^>]+)>; rel="next"/.exec(String(page.headers['link'] ?? ''))?.[1]
      }
      t.same(seen, ids)
      const count = async (query: string): Promise<number> => (await call('GET', `${company}/execution-workspaces?${query}`)).body.length
      t.equal(await count(`issueId=${sourceIssueId}`), 1)
      t.equal(await count(`projectId=${randomUUID()}`), 0)
      t.equal(await count('status=archived,in_review'), 2)
      t.equal(await count('status=archived&reuseEligible=true'), 0)
      t.equal(await count('q=SHARED-TR'), 2)
      t.equal(await count('q=%25'), 0, 'a percent sign is only a percent sign')
      t.match(await call('GET', `${company}/execution-workspaces?status=active,bogus`), { status: 400, body: { errors: [{ pointer: '#/query/status' }] } })
      for (const cursor of ['x', Buffer.from('["2020-01-01","b","c"]').toString('base64url'), Buffer.from(`["0000-01-01T00:00:00.000Z","2020-01-01T00:00:00.000Z","${randomUUID()}"]`).toString('base64url')]) {
        t.match(await call('GET', `${company}/execution-workspaces?cursor=${cursor}`), { status: 400, body: { code: 'invalid_cursor' } })
      }
    })
  })
}

test('what bad input gets, with nothing made', async t => {
  const house = await httpHouse(t)
  const { call } = house
  const isolated = (workspaceStrategy: object) => house.create({ mode: 'isolated_workspace', workspaceStrategy })
  const refused = async (title: string, answer: ReturnType<typeof house.create>, status: number, code: string, pointer?: string): Promise<void> => {
    t.match(await answer, { status, body: { status, code, ...(pointer === undefined ? {} : { errors: [{ pointer }] }) } }, title)
  }
  await refused('an unknown project', house.create({ projectId: randomUUID() }), 422, 'invalid_reference', '/projectId')
  await refused('an unknown issue', house.create({ sourceIssueId: randomUUID() }), 422, 'invalid_reference', '/sourceIssueId')
  await refused('an unknown mode', house.create({ mode: 'bogus' }), 400, 'invalid_input', '/mode')
  await refused('an unknown key', house.create({ bogus: 1 }), 400, 'invalid_input', '/bogus')
  await refused('a name that is too long', house.create({ name: 'x'.repeat(201) }), 400, 'invalid_input', '/name')
  await refused('an unknown config key in metadata', house.create({ metadata: { config: { bogus: 1 } } }), 400, 'invalid_input', '/metadata/config/bogus')
  await refused('a wrong runtime config', house.create({ config: { workspaceRuntime: { commands: 'x' } } }), 422, 'invalid_runtime_config', '/config/workspaceRuntime/commands')
  await refused('a base that does not exist', isolated({ baseRef: 'no-such-base' }), 422, 'base_ref_not_found')
  await refused('a base that looks like an option', isolated({ baseRef: '--help' }), 422, 'base_ref_not_found')
  await refused('a template of which nothing is left', isolated({ branchTemplate: '{{issue.identifier}}--/..' }), 422, 'branch_name_invalid', '/workspaceStrategy/branchTemplate')
  await refused('a template with unknown variables', isolated({ branchTemplate: '{{env.HOME}}' }), 422, 'branch_name_invalid')
  await refused('the strategy of shared work for isolated work', isolated({ type: 'project_primary' }), 422, 'unprocessable', '/workspaceStrategy/type')
  await refused('the branch of the checkout itself', isolated({ branchTemplate: 'main' }), 409, 'worktree_taken')
  await refused('a parent inside the git directory', isolated({ worktreeParentDir: '.git/worktrees' }), 422, 'path_not_allowed')
  await refused('a parent among the service\'s own files', isolated({ worktreeParentDir: join(house.dataDir, 'db') }), 422, 'path_not_allowed')
  await refused('a parent that is a file', isolated({ worktreeParentDir: join(house.repository, 'README.md') }), 422, 'path_not_allowed')
  t.same((await call('GET', `${house.company}/execution-workspaces`)).body, [])
  t.notOk(existsSync(join(house.dataDir, 'worktrees')))
  t.equal(runGit(house.repository, 'for-each-ref', 'refs/heads'), runGit(house.repository, 'for-each-ref', 'refs/heads/main'), 'no branch was made')
  t.equal(runGit(house.repository, 'status', '--porcelain'), '')

  await t.test('PATCH refuses what it must', async t => {
    const { body: made } = await house.create({ name: 'x' })
    const url = `/api/execution-workspaces/${made.id}`
    const patch = async (title: string, body: object, status: number, code: string): Promise<void> => {
      t.match(await call('PATCH', url, body), { status, body: { code } }, title)
    }
    await patch('nothing', {}, 400, 'invalid_input')
    await patch('an unknown field', { realizedPath: '/' }, 400, 'invalid_input')
    await patch('an unknown status', { status: 'done' }, 400, 'invalid_input')
    for (const status of ['provisioning', 'provision_failed', 'archiving', 'cleanup_failed']) await patch(status, { status }, 422, 'status_not_settable')
    await patch('a relative cwd', { cwd: 'x' }, 422, 'path_not_allowed')
    await patch('a cwd that is missing', { cwd: '/no/such/folder' }, 422, 'path_not_allowed')
    await patch('the root', { providerRef: '/' }, 422, 'path_not_allowed')
    await patch('a data dir', { cwd: house.dataDir }, 422, 'path_not_allowed')
    await patch('a repository that is a command', { repoUrl: 'ext::sh -c id' }, 422, 'unprocessable')
    await patch('a branch that is an option', { branchName: '--all' }, 422, 'branch_name_invalid')
    await patch('a base that is an option', { baseRef: '--all' }, 422, 'unprocessable')
    await patch('a time of no calendar', { cleanupEligibleAt: '2030-02-31T00:00:00Z' }, 400, 'invalid_input')
    await patch('a cycle of commands', { config: { workspaceRuntime: { commands: [{ name: 'a', command: 'x', dependsOn: [{ command: 'a' }] }] } } }, 422, 'invalid_runtime_config')
    t.equal((await call('GET', url)).body.version, made.version, 'nothing was changed')
  })
})

test('who may do what', async t => {
  const house = await httpHouse(t)
  const { call, company, companyId } = house
  const put = async (id: string, body: object): Promise<string> => {
    await call('PUT', `${company}/agents/${id}`, { name: 'Ada', ...body })
    return id
  }
  const boss = await put(randomUUID(), { role: 'lead' })
  const worker = await put(randomUUID(), { reportsTo: boss })
  const stranger = await put(randomUUID(), {})
  const sourceIssueId = await house.issue({ assigneeAgentId: worker })
  const body = { projectId: house.projectId, mode: 'isolated_workspace', sourceIssueId }
  const url = `${company}/execution-workspaces`

  t.match(await call('POST', url, body, { actor: nobody }), { status: 401, headers: { 'www-authenticate': /Bearer/ } })
  t.equal((await call('POST', url, body, { actor: person(randomUUID()) })).status, 403)
  t.equal((await call('POST', url, body, { actor: person(companyId, 'viewer') })).status, 403)
  t.equal((await call('POST', url, body, { actor: agentOf(companyId, stranger) })).status, 403, 'an agent without the issue')
  t.match(await call('POST', url, { ...body, config: { provisionCommand: 'id' }, workspaceStrategy: { teardownCommand: 'id' } }, { actor: agentOf(companyId, worker) }), {
    status: 403, body: { code: 'forbidden_for_agents', errors: [{ pointer: '/config/provisionCommand' }, { pointer: '/workspaceStrategy/teardownCommand' }] }
  })
  t.match(await call('POST', url, { ...body, workspaceStrategy: { worktreeParentDir: '/tmp' } }, { actor: agentOf(companyId, worker) }), { status: 403, body: { code: 'forbidden_for_agents' } })
  const runId = randomUUID()
  const made = await call('POST', url, body, { actor: agentOf(companyId, worker, runId) })
  t.equal(made.status, 201, made.text)
  t.equal((await call('GET', `/api/heartbeat-runs/${runId}/workspace-operations`)).body.length, 1, 'the operation is the run\'s')

  const one = `/api/execution-workspaces/${made.body.id}`
  const unknown = await call('GET', `/api/execution-workspaces/${randomUUID()}`, undefined, { actor: person(companyId) })
  for (const actor of [person(randomUUID()), agentOf(randomUUID(), worker)]) {
    for (const answer of [await call('GET', one, undefined, { actor }), await call('PATCH', one, { name: 'x' }, { actor }), await call('GET', `${one}/commands`, undefined, { actor })]) {
      t.match(answer, { status: 404, body: { detail: unknown.body.detail, code: unknown.body.code } }, 'as for an id that does not exist')
    }
  }
  t.equal((await call('GET', one, undefined, { actor: person(companyId, 'viewer') })).status, 200)
  t.equal((await call('PATCH', one, { name: 'x' }, { actor: person(companyId, 'viewer') })).status, 403)
  t.equal((await call('PATCH', one, { name: 'x' }, { actor: agentOf(companyId, stranger) })).status, 403, 'rule 4')
  t.equal((await call('PATCH', one, { name: 'by the boss' }, { actor: agentOf(companyId, boss) })).status, 200)
  for (const smuggled of [{ config: { cleanupCommand: 'id' } }, { metadata: { config: { provisionCommand: 'id' } } }, { cwd: '/' }, { providerRef: '/' }, { repoUrl: '/x' }, { config: { workspaceRuntime: {} } }]) {
    t.match(await call('PATCH', one, { name: 'never', ...smuggled }, { actor: agentOf(companyId, worker) }), { status: 403, body: { code: 'forbidden_for_agents' } })
  }
  t.equal((await call('GET', one)).body.name, 'by the boss', 'nothing of a refused request is applied')
})
