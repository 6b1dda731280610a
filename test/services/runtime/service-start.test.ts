import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

interface Shown { id: string, serviceName: string, status: string, providerRef: string, port: number, startedAt: string, exitCode: number | null, exitSignal: string | null, exitReason: string | null }

const change = async (id: string, runtime: unknown) => await call('PATCH', `/api/execution-workspaces/${id}`, { config: { workspaceRuntime: runtime } })

t.test('a started service that died is started anew by the next start', async t => {
  const scene = await runtimeScene(t, testApp)
  const [first] = (await scene.control('start')).body.workspace.runtimeServices
  process.kill(Number(first.providerRef), 'SIGKILL')
  await eventually(() => !lives(first.providerRef), 'it has died')
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
