import { randomUUID } from 'node:crypto'
import t from 'tap'
import { handOverService, insertService, listCurrentServices, listLiveOfPlace } from '../../db/runtime-services.ts'
import { addServiceUse, dropServiceUse, dropServiceUsesOf, leaveService, listOtherUsers, type UsingPlace } from '../../db/service-uses.ts'
import type { NewRow } from '../../db/tables.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithWorkspace } from '../fixtures/operations.ts'

await onBothDatabases(t, 'who uses a shared service', async (t, { db }) => {
  const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
  const projectWorkspaceId = randomUUID()
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main' }).execute()
  const secondId = randomUUID()
  await db.insertInto('execution_workspaces').values({ id: secondId, company_id: companyId, project_id: projectId, mode: 'shared_workspace', strategy_type: 'project_primary', provider_type: 'local_fs', name: 'Second', status: 'active' }).execute()
  const [first, second, base]: UsingPlace[] = [{ kind: 'execution', id: workspaceId }, { kind: 'execution', id: secondId }, { kind: 'project', id: projectWorkspaceId }]
  if (first === undefined || second === undefined || base === undefined) throw new Error('no places')
  const row = (fields: Partial<NewRow<'runtime_services'>>): NewRow<'runtime_services'> => ({
    id: randomUUID(), company_id: companyId, project_id: projectId, execution_workspace_id: workspaceId, project_workspace_id: projectWorkspaceId, scope_type: 'project_workspace', service_name: 'db', status: 'running', lifecycle: 'shared', reuse_key: null, identity_key: 'db', provider: 'local_process', health_status: 'unknown', ...fields
  })
  const names = async (place: UsingPlace) => (await listOtherUsers(db, ['k'], place)).map(({ name }) => name).sort()

  t.test('users are told apart, each once, in the order they began', async t => {
    for (const place of [first, second, base, second]) await addServiceUse(db, 'k', place)
    await addServiceUse(db, 'another', first)
    t.same(await names(base), ['Second', 'site'])
    t.same(await names(second), ['Main', 'site'])
    t.match(await listOtherUsers(db, ['k'], first), [{ kind: 'execution', id: secondId, reuseKey: 'k' }, { kind: 'project', id: projectWorkspaceId }])
    t.same(await listOtherUsers(db, [], first), [])
  })

  t.test('a workspace shows what it uses of others, while that lives', async t => {
    const live = await insertService(db, row({ reuse_key: 'k' }))
    await insertService(db, row({ reuse_key: 'k', status: 'stopped', identity_key: 'older' }))
    const shown = await listCurrentServices(db, { executionWorkspaceIds: [workspaceId, secondId], projectWorkspaceIds: [projectWorkspaceId] })
    t.same(shown.filter(({ id }) => id === live.id).map(({ place_id: place }) => place).sort(), [workspaceId, secondId, projectWorkspaceId].sort(), 'once in each')
    t.same((await listLiveOfPlace(db, second)).map(({ id }) => id), [live.id])
    t.same((await listLiveOfPlace(db, base)).map(({ id }) => id), [live.id])
    await handOverService(db, live.id, second, new Date())
    t.same((await listLiveOfPlace(db, first)).map(({ id }) => id), [live.id], 'used still, though it was handed over')
    await dropServiceUse(db, 'k', first)
    t.same(await listLiveOfPlace(db, first), [])
    t.same((await listLiveOfPlace(db, second)).map(({ id }) => id), [live.id])
  })

  t.test('closed workspaces are no users', async t => {
    await db.updateTable('execution_workspaces').set({ status: 'archived' }).where('id', '=', secondId).execute()
    t.same(await names(first), ['Main'])
  })

  t.test('who leaves is told who stays, and is no user any more', async t => {
    await addServiceUse(db, 'k', first)
    t.match(await leaveService(db, 'k', first), [{ kind: 'project', id: projectWorkspaceId, reuseKey: 'k' }])
    t.same(await names(base), [])
    t.match(await leaveService(db, 'another', second), [{ id: workspaceId }], 'one that did not use it')
    t.match(await leaveService(db, 'another', first), [])
    await addServiceUse(db, 'another', first)
  })

  t.test('a place lets go of everything at once', async t => {
    await dropServiceUsesOf(db, base)
    t.same(await names(first), [])
  })
})
