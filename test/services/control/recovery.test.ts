import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { buildTestApp, temporaryFolder, type TestApp } from '../../fixtures/app.ts'
import { onBothDatabases, type TestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { startProgram } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web, type RuntimeScene } from '../../fixtures/runtime.ts'

/** The same service started once more: same database, same data dir. */
async function startAgain (t: Test, first: TestApp): Promise<TestApp> {
  await first.app.close()
  return await buildTestApp(t, { database: first.database, config: { dataDir: first.dataDir } })
}

async function firstApp (t: Test, { database }: TestDatabase): Promise<TestApp> {
  return await buildTestApp(t, { database, config: { dataDir: await temporaryFolder(t) } })
}

/** Stops what a scene left, through the app that is up now. */
function stopAtTheEnd (t: Test, { call }: TestApp, { workspaceId }: RuntimeScene): void {
  t.teardown(async () => { await call('POST', `/api/execution-workspaces/${workspaceId}/runtime-services/stop`) })
}

const services = async ({ call }: TestApp, { workspaceId }: RuntimeScene) => (await call('GET', `/api/execution-workspaces/${workspaceId}`)).body.runtimeServices

await onBothDatabases(t, 'recovery', async (t, database) => {
  t.test('a service that lives on is taken up again, its exit seen, and nothing is started twice', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first, { runtime: { commands: [web] } })
    const [before] = (await scene.control('start')).body.workspace.runtimeServices
    const second = await startAgain(t, first)
    stopAtTheEnd(t, second, scene)
    t.ok(lives(before.providerRef), 'it went on without the service')
    t.match((await second.call('GET', '/readyz')), { status: 503, body: { recovery: { state: 'pending' } } })

    const report = await second.app.recovery.run()
    t.match(report, { servicesAdopted: 1, servicesEnded: 0, servicesStarted: 0, problems: [] })
    t.match(await second.call('GET', '/readyz'), { status: 200, body: { recovery: { state: 'done', detail: '1 service taken up again' } } })
    t.match(await services(second, scene), [{ id: before.id, status: 'running', providerRef: before.providerRef }])

    process.kill(Number(before.providerRef), 'SIGKILL')
    await eventually(async () => (await services(second, scene))[0].status === 'failed', 'the exit of an adopted service is seen')
  })

  t.test('a service that is gone is found ended, and started again because it should run', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first, { runtime: { commands: [web, { ...web, name: 'unwanted' }] } })
    const before = (await scene.control('start')).body.workspace.runtimeServices
    await scene.control('stop', { serviceIndex: 1 })
    const pid = Number(before[0].providerRef)
    await first.app.close()
    process.kill(pid, 'SIGKILL')
    await eventually(() => !lives(pid), 'it is gone')
    const second = await startAgain(t, first)
    stopAtTheEnd(t, second, scene)
    t.match(await second.app.recovery.run(), { servicesAdopted: 0, servicesEnded: 1, servicesStarted: 1, problems: [] })
    const [after, unwanted] = await services(second, scene)
    t.match(after, { status: 'running', port: before[0].port })
    t.not(after.id, before[0].id)
    t.ok(lives(after.providerRef))
    t.equal(unwanted.status, 'stopped')
    const old = await database.db.selectFrom('runtime_services').select(['status', 'exit_reason']).where('id', '=', before[0].id).executeTakeFirstOrThrow()
    t.match(old, { status: 'stopped', exit_reason: /not there any more/ })
  })

  t.test('an intent whose process is not known by pid is found by its mark and ended', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first, { runtime: { commands: [web] } })
    const program = await startProgram(t, 'never-ready.js')
    const id = randomUUID()
    const { app: { operations: { hostId } } } = first
    await database.db.insertInto('runtime_services').values({
      id, company_id: scene.companyId, project_id: scene.projectId, execution_workspace_id: scene.workspaceId, scope_type: 'execution_workspace', service_name: 'web', status: 'starting', lifecycle: 'shared', reuse_key: 'cut-off', identity_key: 'cut-off', provider: 'local_process', health_status: 'unknown', host_id: hostId, spawn_mark: program.mark
    }).execute()
    const second = await startAgain(t, first)
    t.match(await second.app.recovery.run(), { servicesEnded: 1, problems: [] })
    t.notOk(lives(program.process.pid))
    t.match(await services(second, scene), [{ id, status: 'failed', exitReason: 'Its start was cut off.' }])
  })

  t.test('a process that only has the pid of a service is left alone', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first, { runtime: { commands: [web] } })
    const stranger = await startProgram(t, 'never-ready.js')
    const id = randomUUID()
    await database.db.insertInto('runtime_services').values({
      id, company_id: scene.companyId, project_id: scene.projectId, execution_workspace_id: scene.workspaceId, scope_type: 'execution_workspace', service_name: 'web', status: 'running', lifecycle: 'shared', reuse_key: 'reused-pid', identity_key: 'reused-pid', provider: 'local_process', provider_ref: String(stranger.process.pid), pid_start_time: '1@another-boot', health_status: 'healthy', host_id: first.app.operations.hostId, spawn_mark: randomUUID()
    }).execute()
    const second = await startAgain(t, first)
    t.match(await second.app.recovery.run(), { servicesEnded: 1 })
    t.ok(lives(stranger.process.pid))
    t.match(await services(second, scene), [{ id, status: 'stopped' }])
  })

  t.test('an operation that was running is interrupted, and its processes are ended', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first)
    const program = await startProgram(t, 'never-ready.js')
    const id = randomUUID()
    await database.db.insertInto('workspace_operations').values({
      id, company_id: scene.companyId, execution_workspace_id: scene.workspaceId, phase: 'workspace_provision', status: 'running', host_id: first.app.operations.hostId, spawn_mark: program.mark
    }).execute()
    const second = await startAgain(t, first)
    t.match(await second.app.recovery.run(), { operationsInterrupted: 1, problems: [] })
    t.notOk(lives(program.process.pid))
    t.match((await second.call('GET', `/api/workspace-operations/${id}`)).body, { status: 'interrupted', metadata: { reason: /1 processes of it were ended/, stop: { survivors: [] } } })
  })

  t.test('a service that can not be started again is told of, and the rest is brought back', async t => {
    const first = await firstApp(t, database)
    const scene = await runtimeScene(t, first, { runtime: { commands: [{ name: 'broken', command: 'test ! -e broken && exec sleep 60' }, web] } })
    const before = (await scene.control('start')).body.workspace.runtimeServices
    await first.app.close()
    for (const { providerRef } of before) process.kill(Number(providerRef), 'SIGKILL')
    await (await import('node:fs/promises')).writeFile(`${scene.folder}/broken`, '')
    const second = await startAgain(t, first)
    stopAtTheEnd(t, second, scene)
    const report = await second.app.recovery.run()
    t.match(report, { servicesStarted: 1, problems: [/Work, broken: broken did not start/] })
    t.match((await second.call('GET', '/readyz')).status, 200)
  })
})

t.test('BERTH_STOP_SERVICES_ON_EXIT ends the services with the service; they come back with it', async t => {
  const first = await buildTestApp(t, { config: { stopServicesOnExit: true, dataDir: await temporaryFolder(t) } })
  const scene = await runtimeScene(t, first)
  const [before] = (await scene.control('start')).body.workspace.runtimeServices
  const second = await startAgain(t, first)
  stopAtTheEnd(t, second, scene)
  t.notOk(lives(before.providerRef))
  t.match(await second.app.recovery.run(), { servicesStarted: 1 })
})
