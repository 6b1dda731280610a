/** Restarts that can't even be begun: the row is settled by its policy, and tells why. (Those that can: service-end.test.ts.) */
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { runtimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp
const command = { name: 'web', command: 'exec sleep 60', reuseScope: 'execution_workspace', restart: { policy: 'always', backoffMs: 400, maxRetries: 1 } }

async function backingOff (t: Parameters<typeof runtimeScene>[0], commands: object[]) {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [command] } })
  const [service] = (await scene.control('start')).body.workspace.runtimeServices
  await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { config: { workspaceRuntime: { commands } } })
  process.kill(Number(service.providerRef), 'SIGKILL')
  return async () => (await scene.get()).runtimeServices.find(({ id }: { id: string }) => id === service.id)
}

t.test('a command that is not configured any more is given up, with the reason', async t => {
  const now = await backingOff(t, [])
  await eventually(async () => (await now()).status === 'failed', 'it is given up')
  t.match((await now()).exitReason, /^web is not configured any more\. It was restarted 1 times in a row/)
})

t.test('so is one that was disabled', async t => {
  const now = await backingOff(t, [{ ...command, disabledReason: 'Too expensive.' }])
  await eventually(async () => (await now()).status === 'failed', 'it is given up')
  t.match((await now()).exitReason, /^web is disabled: Too expensive\./)
})
