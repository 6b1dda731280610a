/** Closing and reopening over HTTP: the whole way with a real service, who may, and what bad input gets. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { agentOf, nobody, person } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { httpHouse } from '../fixtures/http-workspaces.ts'
import { lives, web } from '../fixtures/runtime.ts'

const actionsOf = (body: { kind: string }[]) => body.map(action => action.kind)

for (const kind of ['pglite', 'postgres'] as const) {
  test(`from a running service to a restored workspace (${kind})`, async t => {
    const { call, create, issue, company } = await httpHouse(t, { kind, config: { stopServicesOnExit: true }, runtimeConfig: { commands: [web] }, repository: { files: { 'README.md': '# A test\n', '.gitignore': '.env\n' } } })
    const sourceIssueId = await issue()
    const { body: made } = await create({ mode: 'isolated_workspace', sourceIssueId })
    const url = `/api/execution-workspaces/${made.id}`
    const started = await call('POST', `${url}/runtime-services/start`, {})
    t.equal(started.status, 200, started.text)
    const pid = started.body.workspace.runtimeServices[0].providerRef
    await writeFile(join(made.cwd, 'notes.txt'), 'a thought\n')
    await writeFile(join(made.cwd, '.env'), 'SECRET=1\n')

    const blocked = await call('GET', `${url}/close-readiness`)
    t.match(blocked, { status: 200, body: { workspaceId: made.id, state: 'blocked', isDestructiveCloseAllowed: false, blockingReasons: [/1 open issue: ACME-7/], linkedIssues: [{ id: sourceIssueId, isTerminal: false }] } })
    const refused = await call('POST', `${url}/archive`)
    t.match(refused, { status: 409, body: { code: 'close_blocked', error: /open issue/, closeReadiness: { state: 'blocked' } } })
    t.ok(lives(pid), 'nothing was stopped')

    await call('PUT', `${company}/issues/${sourceIssueId}`, { title: 'Fix the login page', identifier: 'ACME-7', status: 'done', executionWorkspaceId: made.id })
    const ready = await call('GET', `${url}/close-readiness`)
    t.match(ready.body, {
      state: 'ready_with_warnings',
      isDestructiveCloseAllowed: true,
      isSharedWorkspace: false,
      isProjectPrimaryWorkspace: false,
      git: { workspacePath: made.providerRef, branchName: made.branchName, untrackedEntryCount: 1, hasDirtyTrackedFiles: false, createdByRuntime: true, isMergedIntoBase: true, mergeEvidence: 'ancestor', ignoredEntries: ['.env'], rescue: { fileCount: 2 } }
    })
    t.same(ready.body.warnings, ['Archiving stops 1 runtime service: web.', '1 untracked file is in the workspace.'])
    t.same(actionsOf(ready.body.plannedActions), ['archive_record', 'stop_runtime_services', 'rescue_snapshot', 'git_worktree_remove', 'git_branch_delete'])
    t.equal(ready.body.runtimeServices.length, 1)

    const archived = await call('POST', `${url}/archive`, {})
    t.match(archived, { status: 200, body: { workspace: { status: 'archived', cleanupReason: null }, operation: { phase: 'worktree_cleanup', status: 'succeeded', executionWorkspaceId: made.id } } }, archived.text)
    t.notOk(lives(pid), 'the service has ended')
    t.notOk(existsSync(made.cwd))
    const operations = await call('GET', `${url}/workspace-operations`)
    t.same(operations.body.slice(0, 3).map((one: { phase: string, status: string }) => `${one.phase} ${one.status}`), ['workspace_rescue succeeded', 'workspace_teardown succeeded', 'worktree_cleanup succeeded'])
    t.match(operations.body[1].metadata.stop, { survivors: [], portFree: true, services: [{ serviceName: 'web', survivors: [] }] })
    t.match((await call('GET', `${url}/close-readiness`)).body, { state: 'ready', warnings: [], plannedActions: [] }, 'nothing is left to do')
    t.equal((await call('POST', `${url}/runtime-services/start`, {})).status, 409)
    const again = await call('POST', `${url}/archive`)
    t.match(again, { status: 200, body: { operation: { id: archived.body.operation.id } } }, 'once more gives the finished result')

    const restored = await call('POST', `${url}/restore`)
    t.match(restored, { status: 200, body: { workspace: { status: 'active', closedAt: null }, operation: { phase: 'workspace_restore', status: 'succeeded' } } }, restored.text)
    t.equal(readFileSync(join(made.cwd, 'notes.txt'), 'utf8'), 'a thought\n')
    t.equal(readFileSync(join(made.cwd, '.env'), 'utf8'), 'SECRET=1\n')
    t.equal((await call('POST', `${url}/runtime-services/start`, {})).status, 200, 'it works again')
    t.match(await call('POST', `${url}/restore`), { status: 409, body: { code: 'workspace_state_conflict' } })
    t.equal((await call('POST', `${url}/archive`)).body.workspace.status, 'archived')
    const activity = await call('GET', `${company}/activity?limit=500`)
    const actions: string[] = activity.body.filter((one: { entityId: string }) => one.entityId === made.id).map((one: { action: string }) => one.action)
    t.equal(actions.filter(action => action === 'execution_workspace.archived').length, 2)
    t.equal(actions.filter(action => action === 'execution_workspace.restored').length, 1)
  })
}

test('who may, and what bad input gets', async t => {
  const { call, create, issue, company, companyId } = await httpHouse(t)
  const { body: made } = await create({ mode: 'isolated_workspace', name: 'guarded' })
  const url = `/api/execution-workspaces/${made.id}`
  const [ceo, worker, idle] = [randomUUID(), randomUUID(), randomUUID()]
  await call('PUT', `${company}/agents/${ceo}`, { name: 'Boss', role: 'ceo' })
  await call('PUT', `${company}/agents/${worker}`, { name: 'Worker' })
  await call('PUT', `${company}/agents/${idle}`, { name: 'Idle' })

  const stranger = randomUUID()
  const missing = `/api/execution-workspaces/${randomUUID()}`
  const cases = [
    ['nobody', nobody, 401, 401],
    ["another company's person", person(stranger), 404, 404],
    ["another company's agent", agentOf(stranger, randomUUID()), 404, 404],
    ['an invited person', person(companyId, 'owner', 'invited'), 404, 404],
    ['a viewer', person(companyId, 'viewer'), 200, 403],
    ['an agent with nothing to do here', agentOf(companyId, idle), 200, 403]
  ] as const
  for (const [who, actor, reading, writing] of cases) {
    t.equal((await call('GET', `${url}/close-readiness`, undefined, { actor })).status, reading, `${who} asks`)
    for (const action of ['archive', 'restore']) t.equal((await call('POST', `${url}/${action}`, undefined, { actor })).status, writing, `${who} may ${action}: ${writing}`)
  }
  const hidden = await call('POST', `${url}/archive`, undefined, { actor: person(stranger) })
  const absent = await call('POST', `${missing}/archive`, undefined, { actor: person(stranger) })
  t.equal(hidden.body.detail, absent.body.detail, 'what may not be seen looks like what is not there')

  for (const [method, path] of [['GET', 'close-readiness'], ['POST', 'archive'], ['POST', 'restore']] as const) {
    t.equal((await call(method, `/api/execution-workspaces/not-a-uuid/${path}`)).status, 400)
    t.equal((await call(method, `${missing}/${path}`)).status, 404)
    t.equal((await call(method, `${url}/${path}?surprise=1`)).status, 400)
  }
  t.match(await call('POST', `${url}/archive`, { force: true }), { status: 400, body: { errors: [{}] } }, 'there is no such thing as force')
  t.equal((await call('POST', `${url}/archive`, '[')).status, 400)
  t.equal((await call('POST', `${url}/restore`)).status, 409, 'it is not archived')
  t.equal((await call('GET', url)).body.status, 'active', 'nothing of all this changed anything')

  const task = await issue({ status: 'done', executionWorkspaceId: made.id, assigneeAgentId: worker })
  t.equal((await call('POST', `${url}/archive`, undefined, { actor: agentOf(companyId, worker) })).status, 403, 'a finished issue gives no hold')
  await call('PUT', `${company}/issues/${task}`, { title: 'Open', status: 'todo', assigneeAgentId: worker, executionWorkspaceId: made.id })
  t.equal((await call('POST', `${url}/archive`, undefined, { actor: agentOf(companyId, worker) })).status, 409, 'its own open issue blocks, but it may ask')
  await call('DELETE', `${company}/issues/${task}`)
  const byCeo = await call('POST', `${url}/archive`, undefined, { actor: agentOf(companyId, ceo, randomUUID()) })
  t.match(byCeo, { status: 200, body: { workspace: { status: 'archived' } } }, byCeo.text)
  t.equal((await call('POST', `${url}/restore`, undefined, { actor: person(companyId) })).status, 200)
})

test('a shared service that another workspace uses goes on', async t => {
  const { call, create } = await httpHouse(t, { config: { stopServicesOnExit: true } })
  const config = { workspaceRuntime: { commands: [{ ...web, reuseScope: 'project_workspace' }] } }
  const { body: first } = await create({ name: 'first', config })
  const { body: second } = await create({ name: 'second', config })
  const started = await call('POST', `/api/execution-workspaces/${first.id}/runtime-services/start`, {})
  const service = started.body.workspace.runtimeServices[0]
  t.match(service, { scopeType: 'project_workspace', status: 'running' }, started.text)
  t.match((await call('POST', `/api/execution-workspaces/${second.id}/runtime-services/start`, {})).body.workspace.runtimeServices, [{ id: service.id }], 'both use it')

  t.same((await call('GET', `/api/execution-workspaces/${first.id}/close-readiness`)).body.plannedActions.map((action: { kind: string }) => action.kind), ['archive_record'])
  const archived = await call('POST', `/api/execution-workspaces/${first.id}/archive`)
  t.match(archived.body.workspace, { status: 'archived', cleanupReason: '1 shared service goes on, since second uses it too: web.' })
  t.ok(lives(service.providerRef))
  t.match((await call('GET', `/api/execution-workspaces/${second.id}`)).body.runtimeServices, [{ id: service.id, status: 'running' }], 'the other session has it now')
  t.match((await call('POST', `/api/execution-workspaces/${second.id}/archive`)).body.workspace, { status: 'archived', cleanupReason: null })
  t.notOk(lives(service.providerRef), 'the last one stops it')
})

test('a restore starts the services that should run, when it is asked to', async t => {
  const broken = { name: 'broken', command: 'exit 3' }
  const { call, create } = await httpHouse(t, { config: { stopServicesOnExit: true }, runtimeConfig: { commands: [web, broken] } })
  const { body: made } = await create({ mode: 'isolated_workspace' })
  const url = `/api/execution-workspaces/${made.id}`
  t.equal((await call('POST', `${url}/runtime-services/start`, { workspaceCommandId: 'service:web' })).status, 200)
  const runningOf = (body: { workspace: { runtimeServices: { serviceName: string, status: string }[] } }) => body.workspace.runtimeServices.filter(({ status }) => status === 'running').map(({ serviceName }) => serviceName)
  const archive = async () => t.match(await call('POST', `${url}/archive`), { status: 200, body: { workspace: { status: 'archived' } } })

  await archive()
  t.same(runningOf((await call('POST', `${url}/restore`, {})).body), [], 'none without being asked')
  await archive()
  const restored = await call('POST', `${url}/restore`, { startServices: true })
  t.match(restored.body, { workspace: { status: 'active' }, operation: { status: 'succeeded', metadata: { startedServiceCount: 1, warnings: [] } } })
  t.same(runningOf(restored.body), ['web'], 'what ran before, and nothing else')

  await archive()
  t.equal((await call('PATCH', url, { config: { serviceStates: { 0: 'stopped', 1: 'running' } } })).status, 200)
  const failed = await call('POST', `${url}/restore`, { startServices: true })
  t.match(failed, { status: 200, body: { workspace: { status: 'active' }, operation: { status: 'succeeded', metadata: { startedServiceCount: 0, warnings: [/^A service could not be started: .*broken/] } } } }, 'a service that can not be started fails no restore')
  t.same(runningOf(failed.body), [])
  await archive()
  const begun = await call('POST', `${url}/restore`, { startServices: true }, { headers: { prefer: 'respond-async' } })
  t.equal(begun.status, 202)
  await eventually(async () => (await call('GET', `/api/workspace-operations/${begun.body.operation.id}`)).body.status === 'succeeded', 'one operation tells how the whole ends')
  for (const bad of [{ startServices: 'yes' }, { startServices: null }, { surprise: 1 }, []]) t.equal((await call('POST', `${url}/restore`, bad)).status, 400)
})
