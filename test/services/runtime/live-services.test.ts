import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { lives, runtimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)

interface Shown { id: string, serviceName: string, status: string, providerRef: string, port: number, startedAt: string, exitCode: number | null, exitSignal: string | null, exitReason: string | null }

t.test('an exit is seen at once and recorded with its code or signal', async t => {
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
  t.notOk(lives((await readFile(`${scene.folder}/child`, 'utf8')).trim()))
})

t.test('the log of a service that never stops talking stays within its bounds, and the service goes on', async t => {
  const maxBytes = 64 * 1024
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'talker', command: 'while :; do head -c 4000 /dev/zero | tr "\\0" x; echo; done', log: { maxBytes } }] } })
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  const path = join(testApp.dataDir, 'logs', service.logRef)
  await eventually(async () => (await stat(path)).size > 4 * maxBytes, 'it has written much more than that')
  await eventually(async () => (await stat(`${path}.from`).catch(() => null)) !== null, 'its log was capped')
  t.ok(lives(service.providerRef))
  t.match((await scene.control('stop')).status, 200)
})

t.test('the log of a service is masked on disk once it has ended, by what it was started with; until then when it is read', async t => {
  const runtime = (value: string) => ({ commands: [{ name: 'web', command: 'echo "it is $MY_SECRET"; exec sleep 60', env: { MY_SECRET: value } }] })
  const scene = await runtimeScene(t, testApp, { runtime: runtime('the-old-value') })
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  const path = join(testApp.dataDir, 'logs', service.logRef)
  await eventually(async () => (await readFile(path, 'utf8')).includes('the-old-value'), 'the kernel has written it')
  const patched = await testApp.call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { config: { workspaceRuntime: runtime('the-new-value') } })
  t.equal(patched.status, 200)
  const read = async () => (await testApp.call('GET', `/api/runtime-services/${service.id}/log`)).body.content
  t.equal(await read(), 'it is ***\n')
  t.equal((await scene.control('stop')).status, 200)
  await eventually(async () => !(await readFile(path, 'utf8')).includes('the-old-value'), 'it is masked')
  t.equal(await read(), `it is ${'*'.repeat('the-old-value'.length)}\n`)
})
