import { randomUUID } from 'node:crypto'
import t from 'tap'
import { isUniqueViolation } from '../../db/errors.ts'
import { findLiveRivals, insertService, isLiveRow, listCurrentServices, listLiveOfPlace, updateLiveService } from '../../db/runtime-services.ts'
import type { NewRow } from '../../db/tables.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithWorkspace } from '../fixtures/operations.ts'

await onBothDatabases(t, 'runtime services', async (t, { db }) => {
  const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
  const projectWorkspaceId = randomUUID()
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main' }).execute()
  const row = (fields: Partial<NewRow<'runtime_services'>>): NewRow<'runtime_services'> => ({
    id: randomUUID(), company_id: companyId, project_id: projectId, execution_workspace_id: workspaceId, scope_type: 'execution_workspace', service_name: 'web', status: 'running', lifecycle: 'shared', reuse_key: null, identity_key: 'web', provider: 'local_process', health_status: 'unknown', ...fields
  })

  t.test('a second live service of one identity is refused by the database', async t => {
    const first = await insertService(db, row({ reuse_key: 'one' }))
    await t.rejects(insertService(db, row({ reuse_key: 'one', status: 'starting' })))
    const error = await insertService(db, row({ reuse_key: 'one' })).catch((error: unknown) => error)
    t.ok(isUniqueViolation(error, 'runtime_services_one_live'))
    const live = async () => (await findLiveRivals(db, { reuseKey: 'one', identityKey: 'other' })).map(({ id }) => id)
    t.same(await live(), [first.id])
    await updateLiveService(db, first.id, { status: 'stopped' }, new Date())
    t.same(await live(), [])
    t.equal((await insertService(db, row({ reuse_key: 'one', status: 'failed' }))).status, 'failed', 'ended ones are no rivals')
  })

  t.test('a row that has ended is not changed any more', async t => {
    const { id } = await insertService(db, row({ status: 'stopped', exit_reason: 'first' }))
    t.equal(await updateLiveService(db, id, { exit_reason: 'second' }, new Date()), undefined)
  })

  t.test('rivals are the live rows of the same key or of the same command', async t => {
    const same = await insertService(db, row({ reuse_key: 'r1', identity_key: 'i1' }))
    const older = await insertService(db, row({ reuse_key: 'r0', identity_key: 'i1' }))
    await insertService(db, row({ reuse_key: null, identity_key: 'i1', lifecycle: 'ephemeral' }))
    await insertService(db, row({ reuse_key: 'r9', identity_key: 'i9' }))
    t.same((await findLiveRivals(db, { reuseKey: 'r1', identityKey: 'i1' })).map(({ id }) => id).sort(), [same.id, older.id].sort())
  })

  t.test('current are the newest of each identity and all that live, by place', async t => {
    const workspace = await companyWithWorkspace(db)
    const own = (fields: Partial<NewRow<'runtime_services'>>) => row({ company_id: workspace.companyId, project_id: workspace.projectId, execution_workspace_id: workspace.workspaceId, ...fields })
    await insertService(db, own({ status: 'stopped', identity_key: 'a', config_index: 0 }))
    const newest = await insertService(db, own({ status: 'failed', identity_key: 'a', config_index: 0 }))
    const live = await insertService(db, own({ identity_key: 'b', config_index: 1, lifecycle: 'ephemeral' }))
    const newer = await insertService(db, own({ identity_key: 'b', config_index: 1, lifecycle: 'ephemeral' }))
    const ofProject = await insertService(db, row({ execution_workspace_id: null, project_workspace_id: projectWorkspaceId, scope_type: 'project_workspace' }))
    await insertService(db, row({ project_workspace_id: projectWorkspaceId }))

    const places = { executionWorkspaceIds: [workspace.workspaceId], projectWorkspaceIds: [projectWorkspaceId] }
    t.same((await listCurrentServices(db, places)).map(({ id }) => id), [newest.id, live.id, newer.id, ofProject.id])
    t.same((await listLiveOfPlace(db, { kind: 'execution', id: workspace.workspaceId })).map(({ id }) => id), [live.id, newer.id])
  })
})

t.test('starting, running and backing off hold an identity; the rest does not', async t => {
  const statuses = ['starting', 'running', 'backing_off', 'stopped', 'failed'] as const
  t.same(statuses.filter(status => isLiveRow({ status })), ['starting', 'running', 'backing_off'])
})
