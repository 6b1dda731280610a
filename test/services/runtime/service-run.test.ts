import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { freePort, listenHere, programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

process.env['DATABASE_URL'] = 'postgres://somebody:hidden@nowhere/none'
process.env['BERTH_TEST_SECRET'] = 'never-shown'
t.teardown(() => { delete process.env['DATABASE_URL'] })

const testApp = await buildTestApp(t, { config: { databaseUrl: null } })
const { call } = testApp

const http = (urlTemplate: string, timeoutSec = 20) => ({ type: 'http', urlTemplate, timeoutSec })

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
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, command: programCommand('never-ready.js'), readiness: http('http://127.0.0.1:{{port}}/', 0.5) }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.match(body, { cause: { reason: 'timed_out', readiness: /ECONNREFUSED/ }, lastLines: ['still starting'] })
  const [service] = (await scene.get()).runtimeServices
  t.equal(service.status, 'failed')
  t.notOk(lives(service.providerRef))
})

t.test('a service without readiness that fails at once is a failure, one that lives on has started', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'bad', command: 'exit 4' }, { name: 'good', command: 'exec sleep 60' }] } })
  t.match((await scene.control('start', { serviceIndex: 0 })).body, { code: 'service_start_failed', cause: { exitCode: 4 } })
  const { status, body } = await scene.control('start', { serviceIndex: 1 })
  t.equal(status, 200)
  t.match(body.workspace.runtimeServices.find((one: { serviceName: string }) => one.serviceName === 'good'), { status: 'running', healthStatus: 'unknown', port: null, url: null })
})

t.test('a fixed port in use is refused and names who has it', async t => {
  const port = await listenHere(t)
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, port }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.match(body, { code: 'service_start_failed', detail: new RegExp(`Port ${port} is in use by process ${process.pid}`), portOwner: { pid: process.pid } })
  t.same((await scene.get()).runtimeServices, [])
})

t.test('a fixed port is the service\'s, under the key it asks for', async t => {
  const port = await freePort()
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, command: `PORT=$WEB_PORT ${programCommand('http-server.js').replace('exec ', '')}`, port: { value: port, envKey: 'WEB_PORT' } }] } })
  const { body } = await scene.control('start')
  t.match(body.workspace.runtimeServices, [{ port, url: `http://127.0.0.1:${port}/`, status: 'running' }])
})

t.test('a server of somebody else on the probed port does not make a service ready', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, command: programCommand('never-ready.js'), readiness: { type: 'tcp', timeoutSec: 0.5 } }] } })
  const first = await scene.control('start')
  const taken = first.body.cause.port
  await listenHere(t, { port: taken })
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.not(body.cause.port, taken, 'another port was taken')
})

t.test('two services in one workspace never get the same port', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [web, { ...web, name: 'api' }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 200)
  const ports = body.workspace.runtimeServices.map((one: { port: number }) => one.port)
  t.equal(new Set(ports).size, 2)
  t.equal(body.operation.metadata.runtimeServiceCount, 2)
})

t.test('when one of several does not start, those started by the request are stopped again', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [web, { name: 'ran', command: 'exec sleep 60', reuseScope: 'execution_workspace' }, { name: 'bad', command: 'exit 1' }] } })
  t.equal((await scene.control('start', { serviceIndex: 1 })).status, 200)
  t.equal((await scene.control('start')).status, 422)
  const statuses = Object.fromEntries((await scene.get()).runtimeServices.map((one: { serviceName: string, status: string }) => [one.serviceName, one.status]))
  t.same(statuses, { web: 'stopped', ran: 'running', bad: 'failed' })
})

t.test('readiness by log and by command', async t => {
  const scene = await runtimeScene(t, testApp, {
    runtime: {
      commands: [
        { name: 'logs', command: 'echo booting; sleep 0.1; echo "ready in 5 ms"; exec sleep 60', readiness: { type: 'log', pattern: 'ready in \\d+' } },
        { name: 'asks', command: 'touch "$FLAG"; exec sleep 60', env: { FLAG: '{{workspace.cwd}}/flag' }, readiness: { type: 'command', command: 'test -e "$FLAG"' } }
      ]
    }
  })
  const { status, body } = await scene.control('start')
  t.equal(status, 200, body.detail)
  t.match(body.workspace.runtimeServices, [{ status: 'running', healthStatus: 'healthy' }, { status: 'running', healthStatus: 'healthy' }])
})

t.test('the environment tells what it works on and holds nothing of this service', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'env', command: 'env > env.txt; exec sleep 60', env: { WHERE: '{{workspace.cwd}}' } }] } })
  t.equal((await scene.control('start')).status, 200)
  const env = await readFile(join(scene.folder, 'env.txt'), 'utf8')
  t.match(env, `BERTH_WORKSPACE_CWD=${scene.folder}`)
  t.match(env, `BERTH_PROJECT_ID=${scene.projectId}`)
  t.match(env, `WHERE=${scene.folder}`)
  t.notMatch(env, /hidden|never-shown|DATABASE_URL/)
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
