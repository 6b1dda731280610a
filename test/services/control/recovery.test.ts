import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { NewRow } from '../../../db/tables.ts'
import { buildTestApp, type TestApp } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { startProgram } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web, type RuntimeScene } from '../../fixtures/runtime.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

/** The same service started once more: same database, same data dir. What is left running in a scene is stopped with the test. */
async function startAgain (t: Test, first: TestApp, scenes: RuntimeScene[]): Promise<TestApp> {
  const second = await buildTestApp(t, { database: first.database, config: { dataDir: first.dataDir } })
  t.teardown(async () => {
    for (const { workspaceId } of scenes) await second.call('POST', `/api/execution-workspaces/${workspaceId}/runtime-services/stop`)
  })
  return second
}

const servicesOf = async ({ call }: TestApp, { workspaceId }: RuntimeScene) => (await call('GET', `/api/execution-workspaces/${workspaceId}`)).body.runtimeServices

/** A row as an earlier process of this host may have left it. */
function serviceRow (app: TestApp, scene: RuntimeScene, fields: Partial<NewRow<'runtime_services'>>): NewRow<'runtime_services'> {
  const key = randomUUID()
  return {
    id: randomUUID(),
    company_id: scene.companyId,
    project_id: scene.projectId,
    execution_workspace_id: scene.workspaceId,
    scope_type: 'execution_workspace',
    service_name: 'web',
    status: 'running',
    lifecycle: 'shared',
    reuse_key: key,
    identity_key: key,
    provider: 'local_process',
    health_status: 'healthy',
    host_id: app.app.operations.hostId,
    ...fields
  }
}

await onBothDatabases(t, 'a new start after an end in the middle of things', async (t, { db, database }) => {
  const first = await buildTestApp(t, { database, config: { dataDir: await temporaryFolder(t) } })
  const scene = async (commands: object[] = [web]) => await runtimeScene(t, first, { stopsAtTheEnd: false, runtime: { commands } })
  const start = async (of: RuntimeScene) => (await of.control('start')).body.workspace.runtimeServices

  const survivor = await scene()
  const [surviving] = await start(survivor)
  const victim = await scene([web, { name: 'unwanted', command: 'exec sleep 60' }, { name: 'broken', command: 'test ! -e broken && exec sleep 60' }])
  const [killed, unwanted, broken] = await start(victim)
  await victim.control('stop', { serviceIndex: 1 })
  const intent = await scene()
  const cutOff = await startProgram(t, 'never-ready.js')
  const intentRow = serviceRow(first, intent, { status: 'starting', spawn_mark: cutOff.mark })
  const reused = await scene()
  const stranger = await startProgram(t, 'never-ready.js')
  const reusedRow = serviceRow(first, reused, { provider_ref: String(stranger.process.pid), pid_start_time: '1@another-boot', spawn_mark: randomUUID() })
  await db.insertInto('runtime_services').values([intentRow, reusedRow]).execute()
  const jobProcess = await startProgram(t, 'never-ready.js')
  const operationId = randomUUID()
  await db.insertInto('workspace_operations').values({
    id: operationId, company_id: intent.companyId, execution_workspace_id: intent.workspaceId, phase: 'workspace_provision', status: 'running', host_id: first.app.operations.hostId, spawn_mark: jobProcess.mark
  }).execute()

  await first.app.close()
  t.ok(lives(surviving.providerRef), 'a service goes on without the service that started it')
  for (const { providerRef } of [killed, broken]) process.kill(Number(providerRef), 'SIGKILL')
  await eventually(() => !lives(killed.providerRef) && !lives(broken.providerRef), 'both are gone')
  await writeFile(`${victim.folder}/broken`, '')

  const second = await startAgain(t, first, [survivor, victim])
  t.match(await second.call('GET', '/readyz'), { status: 503, body: { recovery: { state: 'pending' } } })
  const report = await second.app.recovery.run()

  t.test('what was found and done is told in one line', async t => {
    t.match(report, { operationsInterrupted: 1, servicesAdopted: 1, servicesEnded: 4, servicesStarted: 1, problems: [/Work, broken: broken did not start/] })
    const { status, body } = await second.call('GET', '/readyz')
    t.equal(status, 200)
    t.match(body.recovery, { state: 'done', detail: '1 operation interrupted, 1 service taken up again, 4 services found ended, 1 service started, 1 problem' })
    t.equal(await second.app.recovery.run(), report, 'it is done once')
  })

  t.test('a service that lives on is taken up again, and its exit is seen', async t => {
    t.match(await servicesOf(second, survivor), [{ id: surviving.id, status: 'running', providerRef: surviving.providerRef }])
    process.kill(Number(surviving.providerRef), 'SIGKILL')
    await eventually(async () => (await servicesOf(second, survivor))[0].status === 'failed', 'the exit is recorded')
  })

  t.test('a service that is gone and should run is started again, on its port', async t => {
    const [after, stillUnwanted] = await servicesOf(second, victim)
    t.match(after, { status: 'running', port: killed.port })
    t.not(after.id, killed.id)
    t.ok(lives(after.providerRef))
    t.match(stillUnwanted, { id: unwanted.id, status: 'stopped' })
    const old = await db.selectFrom('runtime_services').select(['status', 'exit_reason']).where('id', '=', killed.id).executeTakeFirstOrThrow()
    t.match(old, { status: 'stopped', exit_reason: /not there any more/ })
  })

  t.test('an intent whose process is not known by pid is found by its mark and ended', async t => {
    t.notOk(lives(cutOff.process.pid))
    t.match(await servicesOf(second, intent), [{ id: intentRow.id, status: 'failed', exitReason: 'Its start was cut off.' }])
  })

  t.test('a process that only has the pid of a service is left alone', async t => {
    t.ok(lives(stranger.process.pid))
    t.match(await servicesOf(second, reused), [{ id: reusedRow.id, status: 'stopped' }])
  })

  t.test('an operation that was running is interrupted, and its processes are ended', async t => {
    t.notOk(lives(jobProcess.process.pid))
    t.match((await second.call('GET', `/api/workspace-operations/${operationId}`)).body, { status: 'interrupted', metadata: { reason: /1 process of it was ended/, stop: { survivors: [] } } })
  })
})

t.test('BERTH_STOP_SERVICES_ON_EXIT ends the services with the service; they come back with it', async t => {
  const first = await buildTestApp(t, { config: { stopServicesOnExit: true, dataDir: await temporaryFolder(t) } })
  const scene = await runtimeScene(t, first, { stopsAtTheEnd: false })
  const [before] = (await scene.control('start')).body.workspace.runtimeServices
  await first.app.close()
  t.notOk(lives(before.providerRef))
  const second = await startAgain(t, first, [scene])
  t.match(await second.app.recovery.run(), { servicesStarted: 1 })
})

t.test('what should run is started again after what it needs; what waited for its restart goes on waiting, and comes back', async t => {
  const first = await buildTestApp(t, { config: { dataDir: await temporaryFolder(t) } })
  const scene = await runtimeScene(t, first, {
    stopsAtTheEnd: false,
    runtime: {
      commands: [
        { name: 'front', command: 'exec sleep 60', dependsOn: [{ command: 'middle', condition: 'started' }] },
        { name: 'middle', command: 'exec sleep 60', dependsOn: [{ command: 'store' }] },
        { name: 'store', command: 'echo up; exec sleep 60', readiness: { type: 'log', pattern: 'up' } },
        { name: 'patient', command: 'exec sleep 60', restart: { policy: 'always', backoffMs: 1500 } }
      ]
    }
  })
  const before = (await scene.control('start')).body.workspace.runtimeServices
  const byName = (services: { serviceName: string }[], name: string): any => services.find(({ serviceName }) => serviceName === name)
  process.kill(Number(byName(before, 'patient').providerRef), 'SIGKILL')
  await eventually(async () => byName(await servicesOf(first, scene), 'patient').status === 'backing_off', 'one waits for its restart')
  await first.app.close()
  for (const name of ['front', 'middle', 'store']) process.kill(Number(byName(before, name).providerRef), 'SIGKILL')
  await eventually(() => ['front', 'middle', 'store'].every(name => !lives(byName(before, name).providerRef)), 'the others are gone')

  const second = await startAgain(t, first, [scene])
  t.match(await second.app.recovery.run(), { servicesAdopted: 1, servicesEnded: 3, servicesStarted: 3, problems: [] })
  const after = await servicesOf(second, scene)
  t.same(['front', 'middle', 'store'].map(name => byName(after, name).status), ['running', 'running', 'running'])
  const startedAt = (name: string) => Date.parse(byName(after, name).startedAt)
  t.ok(startedAt('store') <= startedAt('middle') && startedAt('middle') <= startedAt('front'), 'in the order of what they need')
  await eventually(async () => byName(await servicesOf(second, scene), 'patient').status === 'running', 'the one that waited is back')
  t.match(byName(await servicesOf(second, scene), 'patient'), { id: byName(before, 'patient').id, restartCount: 1, attempt: 2 })
})
