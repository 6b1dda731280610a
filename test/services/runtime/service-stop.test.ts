import { readFile } from 'node:fs/promises'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { freePort, programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)

t.test('a service that ignores the stop signal is killed after its grace time', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'stubborn', command: programCommand('ignores-sigterm.js'), readiness: { type: 'log', pattern: 'ready' }, stop: { graceSec: 0.2 } }] } })
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  const { status, body } = await scene.control('stop')
  t.equal(status, 200)
  t.match(body.operation.metadata.stop, { survivors: [], services: [{ forced: true }] })
  t.match(body.workspace.runtimeServices, [{ exitSignal: 'SIGKILL' }])
  t.notOk(lives(service.providerRef))
})

t.test('a process that hides from the stop makes it incomplete, never a quiet stopped', async t => {
  const port = await freePort()
  // Its own session, no mark, and no parent of ours: only the port it holds tells of it.
  const hidden = `(env -i PORT=${port} setsid ${programCommand('http-server.js').replace('exec ', '')} & echo $! > hidden)`
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'escapes', command: `${hidden}; exec sleep 60`, port }] } })
  const { body: { workspace } } = await scene.control('start')
  await eventually(async () => await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 'the hidden server listens')
  const pid = await (await fetch(`http://127.0.0.1:${port}/pid`)).text()
  t.teardown(() => { if (lives(pid)) process.kill(Number(pid), 'SIGKILL') })
  const stopped = await scene.control('stop')
  t.equal(stopped.status, 422)
  t.match(stopped.body, { code: 'stop_incomplete', detail: new RegExp(`port ${port} is still in use`) })
  const operation = (await testApp.call('GET', `/api/workspace-operations/${stopped.body.operationId}`)).body
  t.match(operation, { status: 'failed', metadata: { code: 'stop_incomplete', stop: { portFree: false } } })
  t.match((await scene.get()).runtimeServices, [{ id: workspace.runtimeServices[0].id, status: 'running', healthStatus: 'unhealthy', exitReason: /could not be stopped/ }])

  process.kill(Number(pid), 'SIGKILL')
  await eventually(() => !lives(pid), 'the hidden server is gone')
  t.equal((await scene.control('stop')).status, 200)
  t.match((await scene.get()).runtimeServices, [{ status: 'stopped' }])
  t.equal((await readFile(`${scene.folder}/hidden`, 'utf8')).trim().length > 0, true)
})
