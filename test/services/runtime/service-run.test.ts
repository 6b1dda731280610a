import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { freePort, listenHere, programCommand } from '../../fixtures/processes.ts'
import { runtimeScene, web } from '../../fixtures/runtime.ts'

process.env['DATABASE_URL'] = 'postgres://somebody:hidden@nowhere/none'
process.env['BERTH_TEST_SECRET'] = 'never-shown'
t.teardown(() => { delete process.env['DATABASE_URL'] })

const testApp = await buildTestApp(t, { config: { databaseUrl: null } })
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
  const port = await freePort()
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'blind', command: 'touch begun; exec sleep 60', port, readiness: { type: 'tcp', timeoutSec: 1 } }] } })
  const starting = scene.control('start')
  await eventually(async () => await access(join(scene.folder, 'begun')).then(() => true, () => false), 'the service was started')
  await listenHere(t, { port })
  const { status, body } = await starting
  t.equal(status, 422)
  t.match(body.cause, { readiness: /not the service's own/, portOwner: { pid: process.pid } })
})

t.test('an automatic port that another program has taken is replaced by another', async t => {
  const scene = await runtimeScene(t, testApp)
  const [first] = (await scene.control('start')).body.workspace.runtimeServices
  await scene.control('stop')
  await listenHere(t, { port: first.port })
  const { status, body } = await scene.control('start')
  t.equal(status, 200)
  t.not(body.workspace.runtimeServices[0].port, first.port)
})

t.test('two services in one workspace never get the same port', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [web, { ...web, name: 'api' }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 200)
  const ports = body.workspace.runtimeServices.map((one: { port: number }) => one.port)
  t.equal(new Set(ports).size, 2)
  t.equal(body.operation.metadata.runtimeServiceCount, 2)
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
  let env = ''
  await eventually(async () => (env = await readFile(join(scene.folder, 'env.txt'), 'utf8').catch(() => '')).includes('WHERE='), 'it has told its environment')
  t.match(env, `BERTH_WORKSPACE_CWD=${scene.folder}`)
  t.match(env, `BERTH_PROJECT_ID=${scene.projectId}`)
  t.match(env, `WHERE=${scene.folder}`)
  t.notMatch(env, /hidden|never-shown|DATABASE_URL/)
})
