/** What time does to leases and services, and what happens when a lease and a stop meet; on both databases. */
import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { buildTestApp, type Answer } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { clockedLeases } from '../../fixtures/lease-control.ts'
import { lives, runtimeScene, type RuntimeScene } from '../../fixtures/runtime.ts'

const sleeper = (name: string, more: object = {}) => ({ name, command: 'exec sleep 60', reuseScope: 'execution_workspace', ...more })
const idleAfter = (idleSeconds: number) => ({ stopPolicy: { type: 'idle_timeout', idleSeconds } })

await onBothDatabases(t, 'leases and time', async (t, { database, db }) => {
  const testApp = await buildTestApp(t, { database })
  const { app, call } = testApp
  const lease = async ({ workspaceId }: RuntimeScene, body: object): Promise<Answer> => await call('POST', `/api/execution-workspaces/${workspaceId}/leases`, body)
  const statuses = async (scene: RuntimeScene) => (await scene.get()).runtimeServices.map((one: { serviceName: string, status: string }) => `${one.serviceName} ${one.status}`)

  await t.test('a lease whose time is up is released by the service itself, and what it held stops', async t => {
    const { leases, pass } = clockedLeases(app)
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('web', { stopPolicy: { type: 'on_run_finish' } }), { name: 'own', command: 'exec sleep 60', lifecycle: 'ephemeral' }, sleeper('always')] } })
    const runId = randomUUID()
    t.equal((await lease(scene, { runId, ttlSec: 60 })).status, 201)
    pass(50)
    await leases.tick()
    t.same(await statuses(scene), ['web running', 'own running', 'always running'])
    pass(15)
    await leases.tick()
    t.same(await statuses(scene), ['web stopped', 'own stopped', 'always running'])
    t.equal((await call('PUT', `/api/execution-workspaces/${scene.workspaceId}/leases`, { runId })).status, 404)
    const { body: activity } = await call('GET', `/api/companies/${scene.companyId}/activity`)
    t.match(activity.find((one: { action: string }) => /lease_expired/.test(one.action)), { actorType: 'system', entityId: scene.workspaceId, details: { runId } })
    t.match((await call('GET', `/api/heartbeat-runs/${runId}/workspace-operations`)).body.map((one: { metadata: { cause?: string } }) => one.metadata.cause), [undefined, 'run_finished', 'run_finished'])
    t.equal((await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)).status, 200, 'nothing blocks any more')
  })

  await t.test('an idle service stops once no run holds it, and is not brought back', async t => {
    const { leases, pass, debugged } = clockedLeases(app)
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('lazy', idleAfter(100)), sleeper('busy', idleAfter(5000))] } })
    const runId = randomUUID()
    const taken = await lease(scene, { runId, ttlSec: 400 })
    const [lazy] = taken.body.runtimeServices
    pass(300)
    await leases.tick()
    await leases.tick()
    t.same(await statuses(scene), ['lazy running', 'busy running'])
    t.same(debugged, [{ runtimeServiceId: lazy.id, service: 'lazy', heldBy: [runId] }], 'who keeps it is said, once')
    pass(101)
    await leases.tick()
    t.same(await statuses(scene), ['lazy running', 'busy running'], 'its time begins with the end of the lease')
    pass(99)
    await leases.tick()
    t.same(await statuses(scene), ['lazy running', 'busy running'])
    pass(2)
    await leases.tick()
    t.match((await scene.get()).runtimeServices, [{ id: lazy.id, status: 'stopped', exitReason: /It was idle for 100 s: no run holds it/ }, { status: 'running' }])
    t.notOk(lives(lazy.providerRef))
    const [stop] = (await call('GET', `/api/execution-workspaces/${scene.workspaceId}/workspace-operations`)).body
    t.match(stop, { phase: 'workspace_teardown', status: 'succeeded', command: 'stop lazy', heartbeatRunId: null, metadata: { cause: 'idle', reason: /idle for 100 s/, stop: { survivors: [], membersBefore: [Number(lazy.providerRef)] } } })
    t.match((await scene.get()).config.serviceStates, { 0: 'stopped', 1: 'running' })
    t.match(await app.runtimeControl.bringBack({ kind: 'execution', id: scene.workspaceId }), { started: 0, problems: [] })
  })

  await t.test('a use by hand begins the idle time anew', async t => {
    const { leases, pass } = clockedLeases(app)
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('lazy', idleAfter(100))] } })
    await scene.control('start')
    await db.updateTable('runtime_services').set({ last_used_at: new Date(0) }).where('execution_workspace_id', '=', scene.workspaceId).execute()
    await scene.control('start')
    pass(90)
    await leases.tick()
    t.same(await statuses(scene), ['lazy running'])
    pass(20)
    await leases.tick()
    t.same(await statuses(scene), ['lazy stopped'])
  })

  await t.test('a lease that meets an idle stop wins or gets a new process: what it was answered goes on', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('lazy', idleAfter(1000))] } })
    for (let round = 0; round < 12; round++) {
      await scene.control('start')
      await db.updateTable('runtime_services').set({ last_used_at: new Date(0) }).where('execution_workspace_id', '=', scene.workspaceId).execute()
      const runId = randomUUID()
      const [taken] = await Promise.all([
        setTimeout(randomInt(5)).then(async () => await lease(scene, { runId })),
        // A lease needs some milliseconds to come as far as the service: the two meet there.
        setTimeout(randomInt(40)).then(async () => await app.leases.tick())
      ])
      await app.leases.tick()
      t.equal(taken.status, 201, taken.text)
      const { providerRef, id } = taken.body.runtimeServices[0]
      t.ok(lives(providerRef), `round ${round}: the service of the lease lives`)
      t.match((await scene.get()).runtimeServices.filter((one: { status: string }) => one.status === 'running'), [{ id }])
      t.match((await scene.get()).config.serviceStates, { 0: 'running' }, `round ${round}: and is wanted`)
      await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
    }
  })

  await t.test('a lease that meets the end of another run’s lease keeps what both use', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('web', { stopPolicy: { type: 'on_run_finish' } })] } })
    let before = randomUUID()
    t.equal((await lease(scene, { runId: before })).status, 201)
    for (let round = 0; round < 8; round++) {
      const runId = randomUUID()
      const [taken, released] = await Promise.all([
        setTimeout(randomInt(10)).then(async () => await lease(scene, { runId })),
        setTimeout(randomInt(10)).then(async () => await call('DELETE', `/api/heartbeat-runs/${before}/leases`))
      ])
      t.equal(released.status, 200, released.text)
      t.equal(taken.status, 201, taken.text)
      await app.leases.tick()
      t.ok(lives(taken.body.runtimeServices[0].providerRef), `round ${round}`)
      before = runId
    }
    await call('DELETE', `/api/heartbeat-runs/${before}/leases`)
    t.same((await statuses(scene)).filter((one: string) => one !== 'web stopped'), [])
  })

  await t.test('leases that meet an archive are refused, or the archive is', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('web')] } })
    for (let round = 0; round < 6; round++) {
      const runId = randomUUID()
      const [taken, archived] = await Promise.all([
        setTimeout(randomInt(20)).then(async () => await lease(scene, { runId })),
        setTimeout(randomInt(20)).then(async () => await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`))
      ])
      const { status, runtimeServices } = await scene.get()
      if (taken.status === 201) {
        t.equal(status, 'active', `round ${round}`)
        t.equal(archived.status, 409)
        t.ok(lives(taken.body.runtimeServices[0].providerRef))
      } else {
        t.equal(taken.status, 409, taken.text)
        t.same(runtimeServices.filter((one: { status: string }) => one.status === 'running'), [])
        t.same((await call('GET', `/api/execution-workspaces/${scene.workspaceId}/leases`)).body, [])
      }
      await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
      if (status === 'archived') await call('POST', `/api/execution-workspaces/${scene.workspaceId}/restore`)
    }
  })
})
