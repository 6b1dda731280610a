/** One service for several workspaces: shown by all who use it, and stopped when the last one lets go. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { lives, runtimeScene, web } from '../../fixtures/runtime.ts'

interface Shown { id: string, status: string, providerRef: string, port: number }

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`a shared service of two workspaces (${kind})`, async t => {
    const testApp = await buildTestApp(t, { database: (await openTestDatabase(t, kind)).database })
    const { call } = testApp
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, reuseScope: 'project_workspace' }] } })
    const runtime = (await scene.get()).config.workspaceRuntime
    const other = (await call('POST', `/api/companies/${scene.companyId}/execution-workspaces`, { projectId: scene.projectId, mode: 'shared_workspace', name: 'Other', config: { workspaceRuntime: runtime } })).body.id
    const of = (id: string) => ({
      control: async (action: string, body?: unknown) => await call('POST', `/api/execution-workspaces/${id}/runtime-services/${action}`, body),
      services: async (): Promise<Shown[]> => (await call('GET', `/api/execution-workspaces/${id}`)).body.runtimeServices,
      wanted: async () => (await call('GET', `/api/execution-workspaces/${id}`)).body.config.desiredState
    })
    const [first, second] = [of(scene.workspaceId), of(other)]

    t.test('parallel starts in both make one process, which both show', async t => {
      const answers = await Promise.all(Array.from({ length: 10 }, async (_, index) => await (index % 2 === 0 ? first : second).control('start')))
      t.same(answers.map(({ status }) => status), answers.map(() => 200))
      const [ofFirst, ofSecond] = [await first.services(), await second.services()]
      t.equal(ofFirst.length, 1)
      t.same(ofFirst.map(({ id, status }) => [id, status]), ofSecond.map(({ id, status }) => [id, status]))
      const list = (await call('GET', `/api/companies/${scene.companyId}/execution-workspaces`)).body
      t.same(list.map(({ runtimeServices }: { runtimeServices: Shown[] }) => runtimeServices.length), [1, 1], 'lists too')
    })

    t.test('a stop by one lets it go on for the other, and says so', async t => {
      const [service] = await first.services()
      const { status, body } = await first.control('stop')
      t.equal(status, 200)
      t.match(body.operation.metadata, { runtimeServiceCount: 0, stop: { services: [] }, kept: [{ runtimeServiceId: service?.id, usedBy: [{ id: other, name: 'Other' }] }] })
      t.match((await call('GET', `/api/workspace-operations/${body.operation.id}/log`)).body.content, 'goes on as process')
      t.ok(lives(service?.providerRef ?? 0))
      t.same([await first.wanted(), await second.wanted()], ['stopped', 'running'])
      t.match(await second.services(), [{ id: service?.id, status: 'running' }])
      t.same((await first.services()).filter(one => one.status === 'running'), [], 'the one that let go shows it no more')
    })

    t.test('a restart by one is a restart for both', async t => {
      await first.control('start')
      const [before] = await second.services()
      t.equal((await first.control('restart')).status, 200)
      const [after] = await second.services()
      t.not(after?.providerRef, before?.providerRef)
      t.equal(after?.port, before?.port)
      t.match(await first.services(), [{ id: after?.id, status: 'running' }])
    })

    t.test('archiving one leaves it to the other, whose stop ends it', async t => {
      const [service] = await second.services()
      const readiness = (await call('GET', `/api/execution-workspaces/${scene.workspaceId}/close-readiness`)).body
      t.notMatch(readiness.warnings.join(), /Archiving stops/)
      const { body } = await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)
      t.match(body.workspace, { status: 'archived', cleanupReason: '1 shared service goes on, since Other uses it too: web.' })
      t.ok(lives(service?.providerRef ?? 0))
      t.match((await second.control('stop')).body.operation.metadata, { runtimeServiceCount: 1, stop: { survivors: [] } })
      t.notOk(lives(service?.providerRef ?? 0))
    })
  })
}

t.test('sessions that borrow the services of their project workspace', async t => {
  const testApp = await buildTestApp(t)
  const { call } = testApp
  const scene = await runtimeScene(t, testApp, { runtime: null, projectRuntime: { commands: [{ ...web, reuseScope: undefined }] } })
  const other = (await call('POST', `/api/companies/${scene.companyId}/execution-workspaces`, { projectId: scene.projectId, mode: 'shared_workspace', name: 'Other' })).body.id
  const stopOther = async () => await call('POST', `/api/execution-workspaces/${other}/runtime-services/stop`)
  const project = async () => (await call('GET', `/api/companies/${scene.companyId}/projects/${scene.projectId}/workspaces/${scene.projectWorkspaceId}`)).body

  t.test('a stop in one session leaves it to the other, and wanted', async t => {
    await scene.control('start')
    await call('POST', `/api/execution-workspaces/${other}/runtime-services/start`)
    t.match((await scene.control('stop')).body.operation.metadata, { kept: [{ usedBy: [{ name: 'Other' }] }] })
    t.match(await project(), { desiredState: 'running' })
    t.match((await stopOther()).body.operation.metadata, { runtimeServiceCount: 1 })
    t.match(await project(), { desiredState: 'stopped' })
  })

  t.test('the project workspace itself has the last word; archiving a session only lets go', async t => {
    const [service] = (await scene.control('start')).body.workspace.runtimeServices
    await call('POST', `/api/execution-workspaces/${other}/archive`)
    t.ok(lives(service.providerRef))
    t.match((await scene.controlProject('stop')).body.operation.metadata, { runtimeServiceCount: 1 })
    t.notOk(lives(service.providerRef))
  })
})

t.test('each scope is one service of its own', async t => {
  const testApp = await buildTestApp(t)
  const { call } = testApp
  const commands = ['project_workspace', 'execution_workspace', 'run', 'agent'].map(reuseScope => ({ name: reuseScope, command: 'exec sleep 60', reuseScope }))
  const scene = await runtimeScene(t, testApp, { runtime: { commands } })
  const other = (await call('POST', `/api/companies/${scene.companyId}/execution-workspaces`, { projectId: scene.projectId, mode: 'shared_workspace', name: 'Other', config: { workspaceRuntime: { commands } } })).body.id
  const agentId = randomUUID()
  await call('PUT', `/api/companies/${scene.companyId}/agents/${agentId}`, { name: 'Agent', role: 'ceo', status: 'active' })
  const as = (runId: string) => ({ actor: { type: 'agent' as const, agentId, companyId: scene.companyId, runId } })
  const [one, two] = [as(randomUUID()), as(randomUUID())]
  const startIn = async (id: string, actor: typeof one) => {
    const { body } = await call('POST', `/api/execution-workspaces/${id}/runtime-services/start`, {}, actor)
    const newest = new Map<string, string>()
    for (const { serviceName, providerRef, startedByRunId } of body.workspace.runtimeServices) {
      if (serviceName !== 'run' || startedByRunId === actor.actor.runId) newest.set(serviceName, providerRef)
    }
    return newest
  }
  const starts = [await startIn(scene.workspaceId, one), await startIn(scene.workspaceId, two), await startIn(other, two)]
  t.teardown(async () => { await call('POST', `/api/execution-workspaces/${other}/runtime-services/stop`) })
  const processes = (scope: string) => new Set(starts.map(start => start.get(scope))).size
  t.same(commands.map(({ name }) => [name, processes(name)]), [['project_workspace', 1], ['execution_workspace', 2], ['run', 2], ['agent', 1]])
})
