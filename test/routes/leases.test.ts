/** Leases over HTTP: the way of a run from its start to its end, who may, and what bad input gets. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Actor } from '../../services/access/actor.ts'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePort, programCommand } from '../fixtures/processes.ts'
import { lives, runtimeScene, web } from '../fixtures/runtime.ts'

const sleeper = (name: string, more: object = {}) => ({ name, command: 'exec sleep 60', reuseScope: 'execution_workspace', ...more })
interface Shown { id: string, serviceName: string, status: string, providerRef: string }
const named = (services: Shown[], name: string): Shown => services.find(one => one.serviceName === name) as Shown

await onBothDatabases(t, 'from the start of a run to its end', async (t, { database }) => {
  const testApp = await buildTestApp(t, { database })
  const { call } = testApp
  const scene = await runtimeScene(t, testApp, {
    runtime: { commands: [{ ...web, stopPolicy: { type: 'on_run_finish' } }, sleeper('always'), { name: 'scratch', command: 'exec sleep 60', lifecycle: 'ephemeral' }, sleeper('off', { disabledReason: 'not today' })] }
  })
  const url = `/api/execution-workspaces/${scene.workspaceId}/leases`
  const [runId, agentId, issueId] = [randomUUID(), randomUUID(), randomUUID()]
  const begun = Date.now()
  const taken = await call('POST', url, { runId, agentId, issueId, ttlSec: 600 })
  t.equal(taken.status, 201, taken.text)
  t.equal(taken.headers['location'], url)
  t.match(taken.body, { companyId: scene.companyId, executionWorkspaceId: scene.workspaceId, runId, agentId, issueId, releasedAt: null })
  t.ok(Math.abs(Date.parse(taken.body.expiresAt) - begun - 600_000) < 30_000)
  t.match(taken.body.operation, { phase: 'workspace_provision', status: 'succeeded', heartbeatRunId: runId, metadata: { action: 'start', runtimeServiceCount: 3 } })
  const services: Shown[] = taken.body.runtimeServices
  t.same(services.map(one => one.serviceName), ['web', 'always', 'scratch'])
  for (const service of services) t.match(service, { status: 'running', startedByRunId: runId, ownerAgentId: agentId, issueId })
  t.match(named(services, 'scratch'), { scopeType: 'run', scopeId: runId, lifecycle: 'ephemeral' })
  t.match((await scene.get()).config.serviceStates, { 0: 'running', 1: 'running', 2: 'stopped' }, 'what belongs to a run is not wanted beyond it')

  const again = await call('POST', url, { runId, ttlSec: 60 })
  t.equal(again.status, 200)
  t.match(again.body, { id: taken.body.id, agentId, issueId })
  t.ok(Date.parse(again.body.expiresAt) < Date.parse(taken.body.expiresAt))
  t.same(again.body.runtimeServices.map((one: Shown) => one.providerRef), services.map(one => one.providerRef), 'everything is reused, the ephemeral one too')

  const renewed = await call('PUT', url, { runId, ttlSec: 3000 })
  t.match(renewed, { status: 200, body: { id: taken.body.id } })
  t.ok(Date.parse(renewed.body.expiresAt) > Date.parse(again.body.expiresAt))
  t.notOk('operation' in renewed.body)

  const other = await call('POST', url, { runId: randomUUID() })
  t.equal(other.status, 201)
  t.equal(other.body.runtimeServices.length, 4, 'an ephemeral one of its own')
  t.same((await call('GET', url)).body.map((one: { runId: string }) => one.runId), [other.body.runId, runId])
  t.match((await call('GET', `${url}?limit=1`)).headers, { link: /rel="next"/ })

  const blocked = await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)
  t.match(blocked, { status: 409, body: { code: 'close_blocked', error: `Runs ${runId} and ${other.body.runId} hold this workspace.` } })
  t.match(await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { status: 'archived' }), { status: 409, body: { closeReadiness: { state: 'blocked' } } })

  const first = await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
  t.equal(first.status, 200)
  t.match(first.body, { leases: [{ id: taken.body.id, runId, releasedAt: /Z$/ }], stoppedServices: [{ id: named(services, 'scratch').id, status: 'stopped', exitReason: `It belonged to run ${runId}, whose lease has ended.` }] })
  t.match(first.body.operations, [{ phase: 'workspace_teardown', status: 'succeeded', heartbeatRunId: runId, metadata: { action: 'stop', cause: 'run_finished', stop: { survivors: [], membersBefore: [Number(named(services, 'scratch').providerRef)] } } }])
  t.notOk(lives(named(services, 'scratch').providerRef))
  t.ok(lives(named(services, 'web').providerRef), 'the other run holds what both use')
  t.same((await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)).body, { leases: [], stoppedServices: [], operations: [] }, 'once more does nothing')
  t.match(await call('PUT', url, { runId }), { status: 404, body: { code: 'not_found', detail: new RegExp(`Run ${runId} has no live lease`) } })

  const last = await call('DELETE', `/api/heartbeat-runs/${other.body.runId}/leases`)
  t.same(last.body.stoppedServices.map((one: Shown) => one.serviceName).sort(), ['scratch', 'web'])
  t.notOk(lives(named(services, 'web').providerRef))
  t.ok(lives(named(services, 'always').providerRef), 'a service without a policy goes on')
  t.match((await scene.get()).config, { desiredState: 'running', serviceStates: { 0: 'stopped', 1: 'running' } }, 'what was stopped is not wanted any more')
  t.same((await call('GET', url)).body, [])
  t.equal((await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)).status, 200)
  t.match(await call('POST', url, { runId }), { status: 409, body: { code: 'workspace_state_conflict' } })

  const { body: activity } = await call('GET', `/api/companies/${scene.companyId}/activity?limit=500`)
  const ofLeases = activity.filter((one: { action: string }) => /lease_|runtime_stop/.test(one.action)).map((one: { action: string, actorType: string }) => `${one.action.replace('execution_workspace.', '')} ${one.actorType}`)
  t.same(ofLeases, ['runtime_stop system', 'runtime_stop system', 'lease_released board', 'runtime_stop system', 'lease_released board', 'lease_acquired board', 'lease_acquired board'])
})

t.test('on one app', async t => {
  const testApp = await buildTestApp(t)
  const { call } = testApp
  const leasesOf = ({ workspaceId }: { workspaceId: string }) => `/api/execution-workspaces/${workspaceId}/leases`

  t.test('a workspace without a runtime config is held, with nothing started', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null })
    const runId = randomUUID()
    t.match(await call('POST', leasesOf(scene), { runId, agentId: null, issueId: null }), { status: 201, body: { runtimeServices: [], operation: null } })
    t.match(await call('GET', `/api/execution-workspaces/${scene.workspaceId}/close-readiness`), { body: { state: 'blocked', blockingReasons: [`Run ${runId} holds this workspace.`] } })
  })

  t.test('a lease for which a service does not start is given back; one that was there stays', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('fine'), { name: 'picky', command: 'test ! -e broken && exec sleep 60', reuseScope: 'execution_workspace' }, { name: 'broken', command: 'exit 7', disabledReason: 'later' }] } })
    const { body: { config } } = await call('GET', `/api/execution-workspaces/${scene.workspaceId}`)
    const [fine, picky, broken] = config.workspaceRuntime.commands
    const runId = randomUUID()
    t.equal((await call('POST', leasesOf(scene), { runId })).status, 201)
    await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { config: { workspaceRuntime: { commands: [fine, picky, { ...broken, disabledReason: null }] } } })
    const refused = await call('POST', leasesOf(scene), { runId: randomUUID() })
    t.match(refused, { status: 422, body: { code: 'service_start_failed', detail: /broken did not start/, operationId: /-/ } })
    t.equal((await call('POST', leasesOf(scene), { runId })).status, 422)
    t.match((await call('GET', leasesOf(scene))).body, [{ runId }])
    t.equal((await call('GET', leasesOf(scene))).body.length, 1)
    const { body: activity } = await call('GET', `/api/companies/${scene.companyId}/activity?limit=500`)
    t.match(activity.find((one: { action: string }) => one.action === 'execution_workspace.lease_released'), { details: { reason: 'start_failed' } })
    await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
  })

  t.test('parallel leases of one run leave one lease and one process for each service', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [sleeper('shared'), { name: 'own', command: 'exec sleep 60', lifecycle: 'ephemeral' }] } })
    const runId = randomUUID()
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await call('POST', leasesOf(scene), { runId })))
    t.same(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201])
    t.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
    const { runtimeServices } = await scene.get()
    t.same(runtimeServices.map((one: Shown) => `${one.serviceName} ${one.status}`), ['shared running', 'own running'])
    t.equal((await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)).body.stoppedServices.length, 1)
  })

  t.test('a workspace that borrows its services holds those of its project workspace', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null, projectRuntime: { commands: [{ name: 'lent', command: 'exec sleep 60', stopPolicy: { type: 'on_run_finish' } }] } })
    const { body: second } = await call('POST', `/api/companies/${scene.companyId}/execution-workspaces`, { projectId: scene.projectId, mode: 'shared_workspace', name: 'Second' })
    const [one, two] = [randomUUID(), randomUUID()]
    const taken = await call('POST', leasesOf(scene), { runId: one })
    t.match(taken.body.runtimeServices, [{ serviceName: 'lent', status: 'running', executionWorkspaceId: null }])
    t.match((await call('POST', leasesOf({ workspaceId: second.id }), { runId: two })).body.runtimeServices, [{ id: taken.body.runtimeServices[0].id }])
    t.same((await call('DELETE', `/api/heartbeat-runs/${one}/leases`)).body.stoppedServices, [], 'the other workspace uses it too')
    t.match((await call('DELETE', `/api/heartbeat-runs/${two}/leases`)).body, { stoppedServices: [{ serviceName: 'lent' }], operations: [{ executionWorkspaceId: null, projectWorkspaceId: scene.projectWorkspaceId }] })
    const { body: projectWorkspace } = await call('GET', `/api/companies/${scene.companyId}/projects/${scene.projectId}/workspaces/${scene.projectWorkspaceId}`)
    t.match(projectWorkspace, { desiredState: 'stopped', serviceStates: { 0: 'stopped' } })
  })

  t.test('a run that is released while its services start ends with them stopped', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ ...web, env: { DELAY_MS: '700' }, lifecycle: 'ephemeral', reuseScope: undefined }] } })
    const runId = randomUUID()
    const taking = call('POST', leasesOf(scene), { runId })
    await eventually(async () => (await scene.get()).runtimeServices[0]?.providerRef != null, 'the service is being started')
    t.match((await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)).body, { leases: [{ runId }], stoppedServices: [] })
    t.match(await taking, { status: 409, body: { code: 'conflict', detail: /released while its services were being started/ } })
    t.match((await scene.get()).runtimeServices, [{ status: 'stopped' }])
  })

  t.test('what can not be stopped is told, and asked for again it is tried again', async t => {
    const port = await freePort()
    // Its own session, no mark, and no parent of ours: only the port it holds tells of it.
    const hidden = `(env -i PORT=${port} setsid ${programCommand('http-server.js').replace('exec ', '')} &)`
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'escapes', command: `${hidden}; exec sleep 60`, port, lifecycle: 'ephemeral' }] } })
    const runId = randomUUID()
    await call('POST', leasesOf(scene), { runId })
    await eventually(async () => await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 'the hidden server listens')
    const pid = await (await fetch(`http://127.0.0.1:${port}/pid`)).text()
    t.teardown(() => { if (lives(pid)) process.kill(Number(pid), 'SIGKILL') })
    t.match(await call('DELETE', `/api/heartbeat-runs/${runId}/leases`), { status: 422, body: { code: 'stop_incomplete', proof: { portFree: false } } })
    t.same((await call('GET', leasesOf(scene))).body, [], 'it is released all the same')
    process.kill(Number(pid), 'SIGKILL')
    await eventually(() => !lives(pid), 'the hidden server is gone')
    t.match(await call('DELETE', `/api/heartbeat-runs/${runId}/leases`), { status: 200, body: { leases: [], stoppedServices: [{ serviceName: 'escapes', status: 'stopped' }] } })
  })

  t.test('who may', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null })
    const company = `/api/companies/${scene.companyId}`
    const [ceo, worker, idle, stranger] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    await call('PUT', `${company}/agents/${ceo}`, { name: 'Boss', role: 'ceo' })
    await call('PUT', `${company}/agents/${worker}`, { name: 'Worker' })
    await call('PUT', `${company}/agents/${idle}`, { name: 'Idle' })
    const issueId = randomUUID()
    const issue = { title: 'Work', assigneeAgentId: worker, executionWorkspaceId: scene.workspaceId }
    await call('PUT', `${company}/issues/${issueId}`, { ...issue, status: 'in_progress' })
    const cases = [
      ['nobody', nobody, 401, 401],
      ["another company's person", person(stranger), 404, 404],
      ["another company's agent", agentOf(stranger, randomUUID()), 404, 404],
      ['a viewer', person(scene.companyId, 'viewer'), 403, 200],
      ['an agent with nothing to do here', agentOf(scene.companyId, idle), 403, 200],
      ['a member', person(scene.companyId, 'member'), 201, 200],
      ['the ceo', agentOf(scene.companyId, ceo), 201, 200],
      ['whose issue it is', agentOf(scene.companyId, worker), 201, 200]
    ] as const
    for (const [who, actor, writing, reading] of cases) {
      const runId = randomUUID()
      t.equal((await call('POST', leasesOf(scene), { runId }, { actor })).status, writing, `${who} takes a lease: ${writing}`)
      t.equal((await call('PUT', leasesOf(scene), { runId }, { actor })).status, writing === 201 ? 200 : writing, `${who} renews`)
      t.equal((await call('GET', leasesOf(scene), undefined, { actor })).status, reading, `${who} lists`)
    }
    const [hidden, absent] = [await call('POST', leasesOf(scene), { runId: stranger }, { actor: person(stranger) }), await call('POST', leasesOf({ workspaceId: randomUUID() }), { runId: stranger }, { actor: person(stranger) })]
    t.equal(hidden.body.detail, absent.body.detail)

    const runId = randomUUID()
    const release = async (actor: Actor) => await call('DELETE', `/api/heartbeat-runs/${runId}/leases`, undefined, { actor })
    t.match((await call('POST', leasesOf(scene), { runId }, { actor: agentOf(scene.companyId, worker) })).body, { agentId: worker }, 'an agent takes it for itself')
    t.equal((await release(nobody)).status, 401)
    t.match(await release(person(stranger)), { status: 200, body: { leases: [] } }, 'what may not be seen is not there')
    t.equal((await release(person(scene.companyId, 'viewer'))).status, 403)
    t.equal((await release(agentOf(scene.companyId, idle))).status, 403)
    await call('PUT', `${company}/issues/${issueId}`, { ...issue, status: 'done' })
    t.equal((await call('PUT', leasesOf(scene), { runId }, { actor: agentOf(scene.companyId, worker) })).status, 403)
    t.match(await release(agentOf(scene.companyId, worker)), { status: 200, body: { leases: [{ runId }] } }, 'an agent may let go of its own when its work is done')
  })

  t.test('bad input is a 400 that points at it', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null })
    const runId = randomUUID()
    const bad = [{}, { runId: null }, { runId: 'x' }, { runId, ttlSec: 0 }, { runId, ttlSec: 86_401 }, { runId, ttlSec: 1.5 }, { runId, ttlSec: '60' }, { runId, agentId: 'me' }, { runId, hold: true }, [], 'x']
    for (const body of bad) t.match(await call('POST', leasesOf(scene), JSON.stringify(body)), { status: 400, body: { errors: [{}] } }, JSON.stringify(body))
    for (const body of [{}, { runId, agentId: runId }, { runId, ttlSec: 0 }]) t.equal((await call('PUT', leasesOf(scene), body)).status, 400, JSON.stringify(body))
    t.equal((await call('GET', `${leasesOf(scene)}?cursor=x`)).status, 400)
    t.equal((await call('DELETE', '/api/heartbeat-runs/nobody/leases')).status, 400)
    t.equal((await call('POST', '/api/execution-workspaces/x/leases', { runId })).status, 400)
    t.same((await call('GET', leasesOf(scene))).body, [])
  })

  t.test('the same Idempotency-Key gives the first answer again', async t => {
    const scene = await runtimeScene(t, testApp, { runtime: null })
    const ask = async () => await call('POST', leasesOf(scene), { runId: scene.projectId }, { headers: { 'idempotency-key': scene.projectId } })
    const [first, second] = [await ask(), await ask()]
    t.equal(second.status, 201)
    t.same(second.body, first.body)
  })
})
