/** One stop by policy: what comes in between keeps the service, and nobody wants one that was stopped. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { ServiceRow } from '../../../db/runtime-services.ts'
import { StopIncomplete } from '../../../services/errors.ts'
import { stopByPolicy, type PolicyStopDeps, type Stopping } from '../../../services/control/policy-stop.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { leaseRows } from '../../fixtures/leases.ts'
import { newRecorder } from '../../fixtures/operations.ts'
import { lives, runtimeScene } from '../../fixtures/runtime.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const idle: Stopping = { stop: true, cause: 'idle', runId: null, reason: 'It was idle.' }
const idlePolicy = { type: 'idle_timeout', idleSeconds: 60 }

await onBothDatabases(t, 'what comes between the decision and the stop', async (t, { database, db }) => {
  const testApp = await buildTestApp(t, { database })
  const { app, call } = testApp
  const deps = (before: () => Promise<unknown>): PolicyStopDeps => ({
    db,
    hostId: app.operations.hostId,
    recorder: app.operations.recorder,
    now: () => new Date(),
    async stopService (row, input) {
      await before()
      return await app.runtimeControl.supervisor.stop(row, input)
    }
  })
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'lazy', command: 'exec sleep 60', reuseScope: 'execution_workspace', stopPolicy: idlePolicy }] } })
  const idleRow = async (): Promise<ServiceRow> => {
    await scene.control('start')
    return await db.updateTable('runtime_services').set({ last_used_at: new Date(0) }).where('execution_workspace_id', '=', scene.workspaceId).where('status', '=', 'running').returningAll().executeTakeFirstOrThrow()
  }

  await t.test('a lease that was answered meanwhile keeps the service, as it is and wanted', async t => {
    const row = await idleRow()
    const runId = randomUUID()
    const stop = await stopByPolicy(deps(async () => await call('POST', `/api/execution-workspaces/${scene.workspaceId}/leases`, { runId })), row, idle)
    t.match(stop, { row: { status: 'running' }, operation: { status: 'skipped', metadata: { reason: `It is kept for run ${runId}.` } } })
    t.ok(lives(row.provider_ref ?? ''))
    t.match((await scene.get()).config.serviceStates, { 0: 'running' })
    await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
  })

  await t.test('a start by hand meanwhile keeps it too', async t => {
    const row = await idleRow()
    const stop = await stopByPolicy(deps(async () => await scene.control('start')), row, idle)
    t.match(stop, { row: { status: 'running' }, operation: { status: 'skipped', metadata: { reason: 'It is kept: it was used again meanwhile.' } } })
    t.ok(lives(row.provider_ref ?? ''))
  })

  await t.test('a stop by hand meanwhile leaves nothing to do', async t => {
    const row = await idleRow()
    const stop = await stopByPolicy(deps(async () => await scene.control('stop')), row, idle)
    t.match(stop, { row: { status: 'stopped', exit_reason: 'It was stopped on request.' }, operation: { status: 'skipped', metadata: { reason: 'It had ended already.' } } })
  })
})

await onBothDatabases(t, 'what is wanted after a stop', async (t, { db }) => {
  const rows = await leaseRows(db)
  const { recorder } = await newRecorder(db, await temporaryFolder(t), { hostId: rows.hostId })
  const stopping = (stopService: PolicyStopDeps['stopService']): PolicyStopDeps => ({ db, hostId: rows.hostId, recorder, now: () => new Date(), stopService })
  const pass = stopping(async (row, { guard }) => {
    if (!await guard?.(row)) return null
    await db.updateTable('runtime_services').set({ status: 'stopped' }).where('id', '=', row.id).execute()
    return { runtimeServiceId: row.id, serviceName: row.service_name, membersBefore: [1], survivors: [], forced: false, portFree: true, durationMs: 1, kept: false }
  })
  const config = (commands: object[]) => ({ workspaceRuntime: { commands }, desiredState: 'running', serviceStates: Object.fromEntries(commands.map((_, index) => [index, 'running'])) })
  const both = config([{ name: 'web', command: 'x' }, { name: 'api', command: 'y' }])
  const workspace = async (value: object = both) => await rows.workspace({ config: JSON.stringify(value) })
  const service = async (workspaceId: string | null, more: Parameters<typeof rows.service>[1] = {}) => await rows.service(workspaceId, { stop_policy: JSON.stringify(idlePolicy), definition: JSON.stringify({ commandId: 'service:web' }), ...more })
  const wantedIn = async (id: string) => (await db.selectFrom('execution_workspaces').select('config').where('id', '=', id).executeTakeFirstOrThrow()).config?.serviceStates

  await t.test('the service is wanted no more in any place that started it', async t => {
    const [home, sharer] = [await workspace(), await workspace()]
    const row = await service(home)
    await db.insertInto('runtime_service_uses').values({ reuse_key: row.reuse_key ?? '', execution_workspace_id: sharer, project_workspace_id: null }).execute()
    const { operation } = await stopByPolicy(pass, row, idle)
    t.match(operation, { status: 'succeeded', metadata: { runtimeServiceCount: 1, stop: { survivors: [], portFree: true, services: [{ serviceName: 'web' }] } } })
    for (const id of [home, sharer]) t.same(await wantedIn(id), { 0: 'stopped', 1: 'running' })
    const { action, actor_type: actor, details } = await db.selectFrom('activity_log').selectAll().where('entity_id', '=', home).executeTakeFirstOrThrow()
    t.match({ action, actor, details }, { action: 'execution_workspace.runtime_stop', actor: 'system', details: { runtimeServiceId: row.id, operationId: operation.id, cause: 'idle' } })
  })

  await t.test('a service of the project workspace is one of the project', async t => {
    await db.updateTable('project_workspaces').set({ runtime_config: JSON.stringify({ commands: [{ name: 'web', command: 'x' }] }), desired_state: 'running' }).execute()
    const row = await service(null)
    const { operation } = await stopByPolicy(pass, row, idle)
    t.match(operation, { executionWorkspaceId: null, projectWorkspaceId: rows.projectWorkspaceId })
    t.match(await db.selectFrom('project_workspaces').select(['desired_state', 'service_states']).executeTakeFirst(), { desired_state: 'stopped', service_states: { 0: 'stopped' } })
    t.match(await db.selectFrom('activity_log').selectAll().where('entity_id', '=', rows.projectId).executeTakeFirst(), { action: 'project.workspace_runtime_stop', entity_type: 'project' })
  })

  await t.test('another one of the same kind is wanted still, and so is what the config does not know', async t => {
    const id = await workspace()
    const group = { lifecycle: 'ephemeral', reuse_key: null, identity_key: randomUUID() } as const
    const [first, second] = [await service(id, group), await service(id, group)]
    await stopByPolicy(pass, first, idle)
    t.same(await wantedIn(id), { 0: 'running', 1: 'running' })
    await stopByPolicy(pass, second, idle)
    t.same(await wantedIn(id), { 0: 'stopped', 1: 'running' })
    await stopByPolicy(pass, await service(id, { definition: JSON.stringify({ commandId: 'service:old' }) }), idle)
    t.same(await wantedIn(id), { 0: 'stopped', 1: 'running' })
  })

  await t.test('a config that can not be read any more keeps nothing running', async t => {
    const id = await workspace(config([{ name: 'web', command: 'x', dependsOn: [{ command: 'nobody' }] }]))
    t.match(await stopByPolicy(pass, await service(id), idle), { row: { status: 'stopped' }, operation: { status: 'succeeded' } })
  })

  await t.test('a stop that fails keeps its proof and says so', async t => {
    const row = await service(await workspace())
    const stubborn = stopping(async () => { throw new StopIncomplete('web could not be stopped: processes 1 are still alive.', { members: { proof: { survivors: [1] } } }) })
    await t.rejects(stopByPolicy(stubborn, row, idle), { code: 'stop_incomplete' })
    const operation = await db.selectFrom('workspace_operations').selectAll().where('execution_workspace_id', '=', row.execution_workspace_id).executeTakeFirstOrThrow()
    t.match(operation, { status: 'failed', metadata: { code: 'stop_incomplete', stop: { survivors: [1] } } })
  })
})
