import { randomUUID } from 'node:crypto'
import t from 'tap'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { lives, runtimeScene, web } from '../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

t.test('a started service answers at its URL, and is stopped with proof', async t => {
  const scene = await runtimeScene(t, testApp)
  const started = await scene.control('start')
  t.equal(started.status, 200)
  const { workspace, operation } = started.body
  const [service] = workspace.runtimeServices
  t.match(service, { serviceName: 'web', status: 'running', healthStatus: 'healthy', lifecycle: 'shared', configIndex: 0, cwd: scene.folder })
  t.equal((await fetch(service.url)).status, 200)
  t.match(operation, { phase: 'workspace_provision', status: 'succeeded', executionWorkspaceId: scene.workspaceId })
  t.match(operation.metadata, { action: 'start', workspaceCommandId: null, runtimeServiceId: service.id, runtimeServiceCount: 1 })
  t.match(operation.stdoutExcerpt, /listening on port/)
  t.match(workspace.config, { desiredState: 'running', serviceStates: { 0: 'running' } })

  const stopped = await scene.control('stop')
  t.equal(stopped.status, 200)
  t.match(stopped.body.operation, { phase: 'workspace_teardown', status: 'succeeded' })
  t.match(stopped.body.operation.metadata, { action: 'stop', runtimeServiceCount: 1, stop: { survivors: [], portFree: true } })
  t.ok(stopped.body.operation.metadata.stop.membersBefore.includes(Number(service.providerRef)))
  t.match(stopped.body.workspace.runtimeServices, [{ id: service.id, status: 'stopped', exitReason: 'It was stopped on request.' }])
  t.match(stopped.body.workspace.config, { desiredState: 'stopped', serviceStates: { 0: 'stopped' } })
  t.notOk(lives(service.providerRef))
})

t.test('20 parallel starts leave one process and answer 200', async t => {
  const scene = await runtimeScene(t, testApp)
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await scene.control('start')))
  t.same([...new Set(answers.map(({ status }) => status))], [200])
  const pids = new Set(answers.map(({ body }) => body.workspace.runtimeServices[0].providerRef))
  t.equal(pids.size, 1)
  t.ok(lives([...pids][0]))
  t.equal((await scene.get()).runtimeServices.length, 1)
})

t.test('restart ends the old process, starts a new one on the same port, and leaves what is wanted', async t => {
  const scene = await runtimeScene(t, testApp)
  const first = (await scene.control('start')).body.workspace.runtimeServices[0]
  const { status, body } = await scene.control('restart', { runtimeServiceId: first.id })
  t.equal(status, 200)
  const [second] = body.workspace.runtimeServices
  t.not(second.id, first.id)
  t.not(second.providerRef, first.providerRef)
  t.equal(second.port, first.port)
  t.notOk(lives(first.providerRef))
  t.ok(lives(second.providerRef))
  t.equal(body.operation.metadata.stop.survivors.length, 0)
})

t.test('a stop in the middle of a start ends the start', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, env: { DELAY_MS: '30000' } }] } })
  const starting = scene.control('start')
  await eventually(async () => (await scene.get()).runtimeServices[0]?.providerRef != null, 'the process is known')
  const { providerRef } = (await scene.get()).runtimeServices[0]
  t.equal((await scene.control('stop')).status, 200)
  const started = await starting
  t.equal(started.status, 422)
  t.match(started.body, { code: 'service_start_failed', detail: /told to stop/, cause: { reason: 'aborted' } })
  t.notOk(lives(providerRef))
  t.match((await scene.get()).config.desiredState, 'stopped')
})

t.test('both spellings of the path work, in any case of the action, with and without a body', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { jobs: [{ name: 'hello', command: 'echo hello' }] } })
  const path = `/api/execution-workspaces/${scene.workspaceId}/runtime-commands`
  t.equal((await call('POST', `${path}/RUN`, { workspaceCommandId: 'job:hello' })).status, 200)
  t.equal((await call('POST', `${path}/Stop`)).status, 200)
  t.match(await call('POST', `${path}/explode`, {}), { status: 404, body: { code: 'route_not_found' } })
  t.match(await call('POST', `${path}/run`, { nope: 1 }), { status: 400 })
  t.match(await call('POST', `${path}/run`, { serviceIndex: -1 }), { status: 400 })
  t.match(await call('POST', `${path}/run`, { runtimeServiceId: 'x' }), { status: 400 })
})

t.test('a project workspace is controlled by its own paths and shows itself', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: null, projectRuntime: { commands: [{ ...web, reuseScope: undefined }, { name: 'hi', kind: 'job', command: 'echo hi' }] } })
  const started = await scene.controlProject('start')
  t.equal(started.status, 200)
  t.match(started.body.workspace, { id: scene.projectWorkspaceId, isPrimary: true, desiredState: 'running', serviceStates: { 0: 'running' } })
  t.match(started.body.operation, { executionWorkspaceId: null, metadata: { executionWorkspaceId: null, runtimeServiceCount: 1 } })

  // A shared workspace without a config of its own shows and shares them.
  const shared = await scene.control('start')
  t.equal(shared.status, 200)
  t.equal(shared.body.operation.metadata.runtimeServiceId, started.body.operation.metadata.runtimeServiceId)
  t.match(shared.body.workspace.runtimeServices, [{ executionWorkspaceId: null, status: 'running' }])

  t.match((await scene.controlProject('run', { workspaceCommandId: 'job:hi' })).body.operation, { status: 'succeeded', exitCode: 0, stdoutExcerpt: 'hi\n' })
  t.equal((await call('POST', `/api/projects/${randomUUID()}/workspaces/${scene.projectWorkspaceId}/runtime-services/stop`)).status, 404)
  const stopped = await scene.controlProject('stop')
  t.match(stopped.body.workspace, { desiredState: 'stopped' })
  t.match((await scene.get()).runtimeServices, [{ status: 'stopped' }])
})

t.test('with Prefer: respond-async the answer is a 202 at once that names the operation', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { jobs: [{ name: 'wait', command: 'sleep 0.3; echo done' }] } })
  const { status, headers, body } = await scene.control('run', { workspaceCommandId: 'job:wait' }, { headers: { prefer: 'respond-async' } })
  t.equal(status, 202)
  t.equal(headers['location'], `/api/workspace-operations/${body.operation.id}`)
  t.equal(body.operation.status, 'running')
  await eventually(async () => (await call('GET', String(headers['location']))).body.status === 'succeeded', 'the job ends')
  t.match((await call('GET', String(headers['location']))).body, { stdoutExcerpt: 'done\n', exitCode: 0 })
})

t.test('a refusal comes before anything is recorded, also with respond-async', async t => {
  const scene = await runtimeScene(t, testApp)
  const { status } = await scene.control('run', {}, { headers: { prefer: 'respond-async' } })
  t.equal(status, 422)
  t.same((await call('GET', `/api/execution-workspaces/${scene.workspaceId}/workspace-operations`)).body.filter((one: { metadata: { action?: string } }) => one.metadata?.action === 'run'), [])
})

t.test('who may see and manage the workspace decides', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { jobs: [{ name: 'hi', command: 'echo hi' }] } })
  const run = async (actor: Parameters<typeof call>[3]) => (await scene.control('run', { workspaceCommandId: 'job:hi' }, actor)).status
  const agentId = randomUUID()
  await call('PUT', `/api/companies/${scene.companyId}/agents/${agentId}`, { name: 'Ada' })
  t.equal(await run({ actor: nobody }), 401)
  t.equal(await run({ actor: person(randomUUID()) }), 404)
  t.equal(await run({ actor: agentOf(randomUUID(), agentId) }), 404)
  t.equal(await run({ actor: person(scene.companyId, 'viewer') }), 403)
  t.equal(await run({ actor: person(scene.companyId, 'member') }), 200)
  t.equal(await run({ actor: agentOf(scene.companyId, agentId) }), 403)
  await call('PUT', `/api/companies/${scene.companyId}/issues/${randomUUID()}`, { title: 'Work', status: 'in_progress', assigneeAgentId: agentId, executionWorkspaceId: scene.workspaceId })
  const runId = randomUUID()
  t.equal(await run({ actor: agentOf(scene.companyId, agentId, runId) }), 200)
  t.match((await call('GET', `/api/heartbeat-runs/${runId}/workspace-operations`)).body, [{ heartbeatRunId: runId, metadata: { action: 'run' } }])
})

t.test('every action is an activity, with names and no command lines', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { jobs: [{ name: 'hi', command: 'echo s3cret' }] } })
  await scene.control('run', { workspaceCommandId: 'job:hi' })
  await scene.controlProject('stop')
  const { body } = await call('GET', `/api/companies/${scene.companyId}/activity`)
  const [project, workspace] = body
  t.match(project, { action: 'project.workspace_runtime_stop', entityType: 'project', entityId: scene.projectId })
  t.match(workspace, { action: 'execution_workspace.runtime_run', entityId: scene.workspaceId, details: { workspaceCommandId: 'job:hi', status: 'succeeded' } })
  t.notMatch(JSON.stringify(body), /s3cret/)
})
