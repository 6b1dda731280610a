import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { recordAction, recordRequest, rememberDesired, type ActionStatus } from '../../../services/control/desired-record.ts'
import { loadPlace, withCommands, type RuntimePlace } from '../../../services/control/runtime-place.ts'
import type { RuntimeRequest } from '../../../services/control/runtime-request.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

await onBothDatabases(t, 'what is remembered of a runtime action', async (t, { db }) => {
  const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
  const projectWorkspaceId = randomUUID()
  const runtime = JSON.stringify({ services: [{ name: 'a', command: 'a' }, { name: 'b', command: 'b' }] })
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main', cwd: '/main', runtime_config: runtime }).execute()
  await db.updateTable('execution_workspaces').set({ project_workspace_id: projectWorkspaceId }).where('id', '=', workspaceId).execute()
  const now = new Date()
  const request = (action: RuntimeRequest['action'], remember: number[] | null): RuntimeRequest => ({ action, command: null, runtimeServiceId: null, start: [], stop: [], remember })
  const place = async () => {
    const found = await loadPlace(db, { kind: 'execution', id: workspaceId })
    if (found === null) throw new Error('no place')
    return withCommands(found)
  }
  const wanted = async () => {
    const workspace = await db.selectFrom('execution_workspaces').select(['config', 'version']).where('id', '=', workspaceId).executeTakeFirstOrThrow()
    const project = await db.selectFrom('project_workspaces').select(['desired_state', 'service_states']).where('id', '=', projectWorkspaceId).executeTakeFirstOrThrow()
    return { workspace: workspace.config?.serviceStates, version: workspace.version, project: project.service_states }
  }

  t.test('a workspace that borrows its services sets the wanted state of both', async t => {
    await rememberDesired(db, { place: await place(), request: request('start', [1]), now })
    t.same(await wanted(), { workspace: { 0: 'stopped', 1: 'running' }, version: 2, project: { 0: 'stopped', 1: 'running' } })
  })

  t.test('nothing is written where nothing changes', async t => {
    await rememberDesired(db, { place: await place(), request: request('restart', [1]), now })
    await rememberDesired(db, { place: await place(), request: request('stop', null), now })
    await rememberDesired(db, { place: await place(), request: request('run', null), now })
    t.equal((await wanted()).version, 2)
  })

  t.test('the activity names the action, the operation and how it went', async t => {
    const operationId = randomUUID()
    await recordAction(db, { place: await place(), request: request('stop', [0]), now, actor: localBoard, operationId, status: 'begun' })
    const row = await db.selectFrom('activity_log').selectAll().where('company_id', '=', companyId).executeTakeFirstOrThrow()
    t.match(row, { action: 'execution_workspace.runtime_stop', entity_type: 'execution_workspace', entity_id: workspaceId, details: { operationId, status: 'begun', projectWorkspaceId } })
  })

  t.test('what is remembered and its activity are one, also for a workspace that was changed since it was read', async t => {
    const borrowing = await place()
    const own = { ...borrowing, owner: { kind: 'execution' as const, id: workspaceId } }
    const record = async (status: ActionStatus, action: RuntimeRequest['action'], on: RuntimePlace = own) => {
      const operationId = randomUUID()
      await recordRequest(db, { place: on, request: request(action, [0]), now, actor: localBoard, operationId, status })
      const row = await db.selectFrom('activity_log').select('details').where('company_id', '=', companyId).orderBy('seq', 'desc').executeTakeFirstOrThrow()
      t.match(row.details, { operationId, status }, 'its activity is the last one')
      return await wanted()
    }
    const before = await wanted()
    const started = await record('succeeded', 'start')
    t.same(started, { ...before, workspace: { 0: 'running', 1: 'running' }, version: before.version + 1 }, 'only its own')
    t.same(await record('begun', 'stop'), { ...before, workspace: { 0: 'stopped', 1: 'running' }, version: before.version + 2 }, 'the row was read two versions ago')
    t.equal((await record('begun', 'stop', { ...own, workspace: (await place()).workspace })).version, before.version + 2, 'nothing to change')
    t.same((await record('failed', 'start')).workspace, { 0: 'stopped', 1: 'running' }, 'a failure is no wish')
    t.match(await record('succeeded', 'start', borrowing), { workspace: { 0: 'running' }, project: { 0: 'running' } })
  })
})
