import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

interface Shown { id: string, serviceName: string, status: string, providerRef: string, port: number, exitCode: number | null, exitSignal: string | null, exitReason: string | null }

const change = async (id: string, runtime: unknown) => await call('PATCH', `/api/execution-workspaces/${id}`, { config: { workspaceRuntime: runtime } })

t.test('an exit is recorded within a second, with its code or signal', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'code', command: 'sleep 0.3; exit 5' }, { name: 'killed', command: 'exec sleep 60' }] } })
  const { body } = await scene.control('start')
  const killed = body.workspace.runtimeServices.find((one: Shown) => one.serviceName === 'killed')
  process.kill(Number(killed.providerRef), 'SIGKILL')
  const find = async (name: string): Promise<Shown> => (await scene.get()).runtimeServices.find((one: Shown) => one.serviceName === name)
  await eventually(async () => (await find('killed')).status === 'failed', 'the kill is recorded', 5000)
  t.match(await find('killed'), { exitCode: null, exitSignal: 'SIGKILL', exitReason: 'It was ended by SIGKILL.', healthStatus: 'unknown' })
  await eventually(async () => (await find('code')).status === 'failed', 'the exit is recorded', 5000)
  t.match(await find('code'), { exitCode: 5, exitSignal: null, exitReason: 'It ended by itself with code 5.' })
})

t.test('what a service leaves running when it exits is ended', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'orphans', command: 'sleep 60 & echo $! > child; sleep 0.3; exit 0' }] } })
  t.equal((await scene.control('start')).status, 200)
  await eventually(async () => (await scene.get()).runtimeServices[0].status === 'stopped', 'the exit is recorded')
  const { readFile } = await import('node:fs/promises')
  t.notOk(lives((await readFile(`${scene.folder}/child`, 'utf8')).trim()))
})

t.test('a service that ignores the stop signal is killed after its grace time', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'stubborn', command: programCommand('ignores-sigterm.js'), readiness: { type: 'log', pattern: 'ready' }, stop: { graceSec: 0.2 } }] } })
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  const { status, body } = await scene.control('stop')
  t.equal(status, 200)
  t.match(body.operation.metadata.stop, { survivors: [], services: [{ forced: true }] })
  t.match(body.workspace.runtimeServices, [{ exitSignal: 'SIGKILL' }])
  t.notOk(lives(service.providerRef))
})

t.test('a started service that died is started anew by the next start', async t => {
  const scene = await runtimeScene(t, testApp)
  const [first] = (await scene.control('start')).body.workspace.runtimeServices
  process.kill(Number(first.providerRef), 'SIGKILL')
  const { status, body } = await scene.control('start')
  t.equal(status, 200)
  const [second] = body.workspace.runtimeServices
  t.ok(lives(second.providerRef))
  t.not(second.providerRef, first.providerRef)
})

t.test('starting an edited service stops the one of the old definition, and keeps the port', async t => {
  const scene = await runtimeScene(t, testApp)
  const [first] = (await scene.control('start')).body.workspace.runtimeServices
  t.equal((await change(scene.workspaceId, { commands: [{ ...web, env: { STATUS: '204' } }] })).status, 200)
  const { status, body } = await scene.control('start')
  t.equal(status, 200)
  t.equal(body.workspace.runtimeServices.length, 1)
  const [second] = body.workspace.runtimeServices
  t.equal(second.port, first.port)
  t.equal((await fetch(second.url)).status, 204)
  t.notOk(lives(first.providerRef))
})

t.test('an ephemeral service is a new one with each start; a stop ends all of them and gives their ports back', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, reuseScope: undefined, lifecycle: 'ephemeral' }] } })
  const answers = [await scene.control('start'), await scene.control('start')]
  t.same(answers.map(({ status }) => status), [200, 200])
  const services: Shown[] = (await scene.get()).runtimeServices
  t.same(services.map(({ status }) => status), ['running', 'running'])
  t.equal(new Set(services.map(({ port }) => port)).size, 2)
  t.match((await scene.control('stop')).body.operation.metadata, { runtimeServiceCount: 2 })
  t.same((await scene.get()).runtimeServices.map((one: Shown) => one.status), ['stopped'])
  const kept = await testApp.database.db.selectFrom('port_reservations').select('port').where('port', 'in', services.map(({ port }) => port)).execute()
  t.same(kept, [])
})

t.test('services start in the order of what they need, and know each other', async t => {
  const scene = await runtimeScene(t, testApp, {
    runtime: {
      commands: [
        { ...web, env: { STATUS: '200' }, command: `echo "api at $API" && ${web.command}`, readiness: web.readiness, dependsOn: [{ command: 'api', condition: 'healthy' }, { command: 'build', condition: 'completed' }] },
        { ...web, name: 'api', env: { WEB: '{{services.web.url}}' } },
        { name: 'build', kind: 'job', command: 'echo built' }
      ].map(command => command.name === 'web' ? { ...command, env: { API: '{{services.api.url}}' } } : command)
    }
  })
  const { status, body } = await scene.control('start', { workspaceCommandId: 'service:web' })
  t.equal(status, 200)
  const byName = (name: string) => body.workspace.runtimeServices.find((one: Shown) => one.serviceName === name)
  t.ok(byName('api').startedAt < byName('web').startedAt)
  const log: string = (await call('GET', `/api/workspace-operations/${body.operation.id}/log`)).body.content
  t.match(log, `api at ${byName('api').url}`)
  t.ok(log.indexOf('built') < log.indexOf('web: started'))
})

t.test('what is needed and fails keeps the rest from starting', async t => {
  const scene = await runtimeScene(t, testApp, {
    runtime: { commands: [{ name: 'web', command: 'exec sleep 60', dependsOn: [{ command: 'build', condition: 'completed' }] }, { name: 'build', kind: 'job', command: 'exit 9' }] }
  })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.match(body, { code: 'service_start_failed', detail: /job build is needed first, and ended with code 9/ })
  t.same((await scene.get()).runtimeServices, [])
})

t.test('an archived workspace is refused, and archiving stops what runs', async t => {
  const scene = await runtimeScene(t, testApp)
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  t.equal((await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { status: 'archived' })).status, 200)
  t.notOk(lives(service.providerRef))
  for (const action of ['start', 'stop', 'restart', 'run']) {
    t.match(await scene.control(action), { status: 409, body: { code: 'workspace_state_conflict' } })
  }
})

t.test('starts that race with an archive end as started and stopped, or refused: nothing is left running', async t => {
  const scene = await runtimeScene(t, testApp)
  const starts = Array.from({ length: 5 }, async () => await scene.control('start'))
  const archives = [0, 1].map(async () => await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`))
  const answers = await Promise.all([...starts, ...archives])
  for (const { status } of answers) t.ok([200, 409].includes(status), `answered ${status}`)
  await eventually(async () => {
    if ((await scene.get()).status === 'archived') return true
    await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)
    return false
  }, 'the workspace is archived')
  const rows = await testApp.database.db.selectFrom('runtime_services').select(['status', 'provider_ref']).where('execution_workspace_id', '=', scene.workspaceId).execute()
  for (const { status, provider_ref: pid } of rows) {
    t.not(status, 'running')
    t.notOk(pid !== null && lives(pid))
  }
})
