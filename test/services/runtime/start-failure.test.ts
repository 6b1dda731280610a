import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

t.test('a service that exits before it is ready fails at once, with its code and its last lines', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, command: programCommand('exits-at-once.js'), env: { CODE: '7' } }] } })
  const begun = performance.now()
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.ok(performance.now() - begun < 15_000, 'it did not wait for the time-out of 20 s')
  t.match(body, { code: 'service_start_failed', service: 'web', cause: { reason: 'exited', exitCode: 7, exitSignal: null } })
  t.match(body.detail, /web did not start: it ended by itself with code 7 before it was ready/)
  t.same(body.lastLines, ['about to fail', 'cannot go on: no such thing'])
  const operation = (await call('GET', `/api/workspace-operations/${body.operationId}`)).body
  t.match(operation, { status: 'failed', metadata: { error: { code: 'service_start_failed' } }, stdoutExcerpt: /cannot go on/ })
  t.match((await scene.get()).runtimeServices, [{ status: 'failed', exitCode: 7, exitReason: /code 7/ }])
  t.equal((await scene.get()).config.desiredState, null)
})

t.test('a service that is never ready is ended after its time-out, and says what the probe saw', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, command: programCommand('never-ready.js'), readiness: { ...web.readiness, timeoutSec: 0.5 } }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.match(body, { cause: { reason: 'timed_out', readiness: /ECONNREFUSED/ }, lastLines: ['still starting'] })
  const [service] = (await scene.get()).runtimeServices
  t.equal(service.status, 'failed')
  t.notOk(lives(service.providerRef))
})

t.test('when one of several does not start, those started by the request are stopped again', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [web, { name: 'ran', command: 'exec sleep 60', reuseScope: 'execution_workspace' }, { name: 'bad', command: 'exit 1' }] } })
  t.equal((await scene.control('start', { serviceIndex: 1 })).status, 200)
  t.equal((await scene.control('start')).status, 422)
  const statuses = Object.fromEntries((await scene.get()).runtimeServices.map((one: { serviceName: string, status: string }) => [one.serviceName, one.status]))
  t.same(statuses, { web: 'stopped', ran: 'running', bad: 'failed' })
})

t.test('a folder that does not exist is a failure that names it', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'lost', command: 'true', cwd: 'not/there' }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.match(body, { code: 'service_start_failed', detail: /not\/there does not exist/ })
  t.match((await scene.get()).runtimeServices, [{ status: 'failed' }])
})

t.test('secrets of the command are masked in what is told of it', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'leaky', command: 'echo "key is $API_TOKEN"; exit 1', env: { API_TOKEN: 'tok-123456789' } }] } })
  const { body } = await scene.control('start')
  t.notMatch(JSON.stringify(body), /tok-123456789/)
  t.match(body.lastLines, [/^key is /])
  t.notMatch(JSON.stringify((await call('GET', `/api/workspace-operations/${body.operationId}/log`)).body), /tok-123456789/)
})
