/** Adapter reports over HTTP: stored under stable ids, shown, never signalled; who may, and what bad input gets. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { startProgram } from '../fixtures/processes.ts'
import { lives, runtimeScene } from '../fixtures/runtime.ts'

const pathOf = ({ workspaceId }: { workspaceId: string }) => `/api/execution-workspaces/${workspaceId}/adapter-services`

await onBothDatabases(t, 'a service that another system runs', async (t, { database }) => {
  const testApp = await buildTestApp(t, { database })
  const { call } = testApp
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'web', command: 'exec sleep 60', reuseScope: 'execution_workspace' }] } })
  // Its process lives on this machine, under the pid it tells: it must not be touched all the same.
  const real = await startProgram(t, 'http-server.js', { env: { PORT: '0' } })
  const port = Number(await real.says(/port (\d+)/))
  const report = { id: 'box-7', serviceName: 'preview', url: `http://127.0.0.1:${port}/`, port, providerRef: String(real.process.pid), healthStatus: 'healthy' }
  const runId = randomUUID()
  const put = async (reports: object[], adapterType = 'box') => await call('PUT', pathOf(scene), { adapterType, runId, reports })

  const first = await put([report, { serviceName: 'db', scopeType: 'run', status: 'starting' }])
  t.equal(first.status, 200, first.text)
  const [preview, db] = first.body.runtimeServices
  t.match(preview, { companyId: scene.companyId, projectId: scene.projectId, projectWorkspaceId: scene.projectWorkspaceId, executionWorkspaceId: scene.workspaceId, provider: 'adapter_managed', serviceName: 'preview', status: 'running', scopeType: 'execution_workspace', scopeId: scene.workspaceId, lifecycle: 'shared', cwd: scene.folder, startedByRunId: runId, reuseKey: null, configIndex: null, port })
  t.match(db, { serviceName: 'db', status: 'starting', healthStatus: 'unknown', scopeType: 'run', scopeId: runId, lifecycle: 'ephemeral' })

  const second = await put([{ ...report, serviceName: 'preview 2' }])
  t.match(second.body.runtimeServices, [{ id: preview.id, serviceName: 'preview 2', createdAt: preview.createdAt, startedAt: preview.startedAt }])
  t.same((await scene.get()).runtimeServices.map((one: { id: string }) => one.id), [preview.id, db.id], 'what is not told of stays as it is')
  t.not((await put([report], 'tent')).body.runtimeServices[0].id, preview.id, 'another system speaks of another service')
  t.equal((await put([])).status, 200)

  const started = await scene.control('start')
  t.equal(started.status, 200, 'a service of the same name is started beside it')
  const [local] = started.body.workspace.runtimeServices.filter((one: { provider: string }) => one.provider === 'local_process')
  const stolen = await put([{ serviceName: 'thief', id: local.id }])
  t.not(stolen.body.runtimeServices[0].id, local.id, 'the id of something else is not taken over')
  const own = randomUUID()
  t.equal((await put([{ serviceName: 'mine', id: own }])).body.runtimeServices[0].id, own)

  const stopped = await scene.control('stop', { runtimeServiceId: preview.id })
  t.equal(stopped.status, 200, stopped.text)
  t.match(stopped.body.workspace.runtimeServices.find((one: { id: string }) => one.id === preview.id), { status: 'stopped', exitReason: /box runs it and has to end it; no process was signalled/ })
  t.ok(lives(Number(real.process.pid)), 'nothing was signalled')
  t.match((await put([report])).body.runtimeServices, [{ id: preview.id, status: 'running', exitReason: null, stoppedAt: null }], 'a report brings it back')
  t.equal((await scene.control('stop')).status, 200)
  t.ok(lives(Number(real.process.pid)))
  t.match((await put([{ ...report, status: 'failed', exitCode: 3, exitReason: 'Out of memory.' }])).body.runtimeServices, [{ status: 'failed', exitCode: 3, exitReason: 'Out of memory.', stoppedAt: /Z$/ }])
  await put([report])

  const { body: activity } = await call('GET', `/api/companies/${scene.companyId}/activity?limit=500`)
  const told = activity.filter((one: { action: string }) => one.action === 'execution_workspace.adapter_services_reported')
  t.match(told.at(-1), { runId: null, entityId: scene.workspaceId, details: { adapterType: 'box', runId, services: [{ id: preview.id, name: 'preview', status: 'running' }, { id: db.id }] } })
  await put([report])
  t.equal((await call('GET', `/api/companies/${scene.companyId}/activity?limit=500`)).body.length, activity.length, 'a report without news is no deed')

  const archived = await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)
  t.match(archived, { status: 200, body: { workspace: { status: 'archived' } } }, archived.text)
  t.match(archived.body.workspace.runtimeServices.find((one: { id: string }) => one.id === preview.id), { status: 'stopped' })
  t.ok(lives(Number(real.process.pid)))
  t.match(await put([report]), { status: 409, body: { code: 'workspace_state_conflict' } })
})

t.test('on one app', async t => {
  const testApp = await buildTestApp(t)
  const { call } = testApp

  t.test('a shared workspace shows its own beside those it borrows', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null, projectRuntime: { commands: [{ name: 'lent', command: 'exec sleep 60' }] } })
    await scene.control('start')
    const { body: { runtimeServices: [reported] } } = await call('PUT', pathOf(scene), { adapterType: 'box', reports: [{ serviceName: 'remote' }] })
    t.same((await scene.get()).runtimeServices.map((one: { serviceName: string }) => one.serviceName), ['lent', 'remote'])
    const stopped = await scene.control('stop', { runtimeServiceId: reported.id })
    t.equal(stopped.status, 200)
    t.same(stopped.body.workspace.runtimeServices, (await scene.get()).runtimeServices, 'an action answers with what GET gives')
  })

  t.test('recovery and stop policies leave them alone', async t => {
    const scene = await runtimeScene(t, testApp)
    const stopPolicy = { type: 'idle_timeout', idleSeconds: 1 }
    const { body: { runtimeServices: [{ id }] } } = await call('PUT', pathOf(scene), { adapterType: 'box', reports: [{ serviceName: 'remote', stopPolicy, providerRef: String(process.pid), port: 1 }] })
    await testApp.database.db.updateTable('runtime_services').set({ last_used_at: new Date(0) }).where('id', '=', id).execute()
    await testApp.app.leases.tick()
    t.match(await testApp.app.recovery.run(), { servicesEnded: 0, servicesAdopted: 0 })
    t.match((await scene.get()).runtimeServices, [{ id, status: 'running', stopPolicy }])
  })

  t.test('two at once store each service once', async t => {
    const scene = await runtimeScene(t, testApp)
    const id = randomUUID()
    const answers = await Promise.all(Array.from({ length: 6 }, async () => await call('PUT', pathOf(scene), { adapterType: 'box', reports: [{ serviceName: 'a' }, { serviceName: 'b', id }] })))
    t.same(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 200])
    t.equal((await scene.get()).runtimeServices.length, 2)
  })

  t.test('who may', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null })
    const [worker, idle] = [randomUUID(), randomUUID()]
    for (const id of [worker, idle]) await call('PUT', `/api/companies/${scene.companyId}/agents/${id}`, { name: 'A' })
    await call('PUT', `/api/companies/${scene.companyId}/issues/${randomUUID()}`, { title: 'Work', status: 'todo', assigneeAgentId: worker, executionWorkspaceId: scene.workspaceId })
    const put = async (actor: ReturnType<typeof person>) => await call('PUT', pathOf(scene), { adapterType: 'box', reports: [{ serviceName: 'web' }] }, { actor })
    const cases = [[nobody, 401], [person(randomUUID()), 404], [agentOf(randomUUID(), worker), 404], [person(scene.companyId, 'viewer'), 403], [agentOf(scene.companyId, idle), 403], [person(scene.companyId), 200]] as const
    for (const [actor, status] of cases) t.equal((await put(actor)).status, status, JSON.stringify(actor))
    const runId = randomUUID()
    t.match((await put(agentOf(scene.companyId, worker, runId))).body.runtimeServices, [{ ownerAgentId: worker, startedByRunId: runId }])
  })

  t.test('bad input is refused, and nothing of it is stored', async t => {
    const scene = await runtimeScene(t, testApp)
    const put = async (body: unknown) => await call('PUT', pathOf(scene), JSON.stringify(body))
    const fine = { serviceName: 'fine' }
    const bad = [{}, { serviceName: '' }, { ...fine, status: 'up' }, { ...fine, healthStatus: 'ill' }, { ...fine, lifecycle: 'long' }, { ...fine, scopeType: 'company' }, { ...fine, port: 0 }, { ...fine, port: 65_536 }, { ...fine, url: 'javascript:alert(1)' }, { ...fine, stopPolicy: { type: 'never' } }, { ...fine, stopPolicy: { type: 'manual', then: 1 } }, { ...fine, provider: 'local_process' }, { ...fine, reuseKey: 'x' }, { ...fine, exitCode: 1e12 }, { ...fine, startedAt: 'yesterday' }, { ...fine, ownerAgentId: 'me' }, { ...fine, serviceName: 'x'.repeat(201) }]
    for (const report of bad) t.match(await put({ adapterType: 'box', reports: [fine, report] }), { status: 400, body: { errors: [{}] } }, JSON.stringify(report))
    const bodies = [{ reports: [] }, { adapterType: 'box' }, { adapterType: 'a b', reports: [] }, { adapterType: '', reports: [] }, { adapterType: 'box', runId: 1, reports: [] }, { adapterType: 'box', reports: Array.from({ length: 101 }, () => fine) }]
    for (const body of bodies) t.equal((await put(body)).status, 400)
    t.match(await put({ adapterType: 'box', reports: [fine, fine] }), { status: 422, body: { errors: [{ pointer: '/reports/1' }] } })
    for (const startedAt of ['0000-01-01T00:00:00Z', '2016-12-31T23:59:60Z']) t.equal((await put({ adapterType: 'box', reports: [{ ...fine, startedAt }] })).status, 400, 'a time that can not be stored')
    t.same((await scene.get()).runtimeServices, [])
    t.equal((await put({ adapterType: 'box', reports: [fine, { ...fine, id: 'another', exitReason: '\u0007' }] })).status, 200)
  })
})
