import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

interface Shown { id: string, serviceName: string, status: string, providerRef: string, port: number, startedAt: string, exitCode: number | null, exitSignal: string | null, exitReason: string | null }

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
