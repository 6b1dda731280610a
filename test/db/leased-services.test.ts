import { randomUUID } from 'node:crypto'
import t from 'tap'
import { hasLiveTwin, listLeasesOnServices, listServiceHomes, listStoppable, touchServicesOf } from '../../db/leased-services.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { leaseRows } from '../fixtures/leases.ts'

await onBothDatabases(t, 'services and the leases on the workspaces that use them', async (t, { db }) => {
  const rows = await leaseRows(db)
  const { workspace, ownWorkspace, lease, service, hostId, projectWorkspaceId, projectId } = rows
  const use = async (reuseKey: string, ids: { execution_workspace_id?: string, project_workspace_id?: string }) =>
    await db.insertInto('runtime_service_uses').values({ reuse_key: reuseKey, execution_workspace_id: null, project_workspace_id: null, ...ids }).execute()

  // One workspace uses each service in another way.
  const [own, sharer, borrower] = [await ownWorkspace(), await ownWorkspace(), await workspace()]
  const ofOwn = await service(own)
  const shared = await service(own, { scope_type: 'project_workspace' })
  const lent = await service(null)
  const sharedByProject = await service(own)
  const ended = await service(own, { status: 'stopped' })
  await use(shared.reuse_key ?? '', { execution_workspace_id: sharer })
  await use(sharedByProject.reuse_key ?? '', { project_workspace_id: projectWorkspaceId })
  const all = [ofOwn, shared, lent, sharedByProject]
  const nameOf = (id: string) => ['ofOwn', 'shared', 'lent', 'sharedByProject'][all.findIndex(one => one.id === id)] ?? id

  const uses = [['own', own, ['ofOwn', 'shared', 'sharedByProject']], ['sharer', sharer, ['shared']], ['borrower', borrower, ['lent', 'sharedByProject']]] as const
  for (const [name, id, used] of uses) {
    await t.test(`a use of the workspace "${name}" is one of ${used.join(', ')}`, async t => {
      const at = new Date(5000)
      await touchServicesOf(db, id, at)
      const touched = await db.selectFrom('runtime_services').select('id').where('last_used_at', '=', at).orderBy('seq').execute()
      t.same(touched.map(one => nameOf(one.id)), used)
      await db.updateTable('runtime_services').set({ last_used_at: new Date(0) }).execute()
    })

    await t.test(`a lease on "${name}" is one on them`, async t => {
      const { run_id: runId } = await lease(id)
      const found = await listLeasesOnServices(db, [...all, ended].map(one => one.id))
      t.same(found.filter(one => one.service_id !== ended.id).map(one => nameOf(one.service_id)).sort(), [...used].sort())
      for (const one of found) t.match(one, { run_id: runId, released_at: null })
      await db.deleteFrom('run_leases').execute()
    })
  }

  await t.test('of leases that ended, only the last since the start and that of its own run are told', async t => {
    const [runId, id] = [randomUUID(), await ownWorkspace()]
    const ephemeral = await service(id, { lifecycle: 'ephemeral', reuse_key: null, started_by_run_id: runId, started_at: new Date(2000) })
    const ofRun = await service(id, { scope_type: 'run', scope_id: runId, started_at: new Date(3001) })
    await lease(id, { released_at: new Date(1000) })
    await lease(id, { released_at: new Date(3000), run_id: runId })
    await lease(id, { released_at: new Date(4000) })
    const last = await lease(id, { released_at: new Date(5000) })
    const told = await listLeasesOnServices(db, [ephemeral.id, ofRun.id])
    const of = (serviceId: string) => told.filter(one => one.service_id === serviceId).map(one => [one.run_id, one.released_at])
    t.same(of(ephemeral.id), [[last.run_id, new Date(5000)], [runId, new Date(3000)]])
    t.same(of(ofRun.id), [[last.run_id, new Date(5000)]], 'its own run had ended before it was started')
    t.same(await listLeasesOnServices(db, []), [])
  })

  await t.test('stoppable is what runs here and has an end of its own', async t => {
    const id = await ownWorkspace()
    const policy = (type: string) => JSON.stringify({ type })
    const yes = [
      await service(id, { stop_policy: policy('idle_timeout') }),
      await service(id, { stop_policy: policy('on_run_finish'), status: 'backing_off' }),
      await service(id, { lifecycle: 'ephemeral', reuse_key: null }),
      await service(id, { scope_type: 'run', scope_id: randomUUID() })
    ]
    const other = randomUUID()
    await db.insertInto('hosts').values({ id: other, name: 'other', instance_id: randomUUID(), pid: 1, data_dir: '/other' }).execute()
    await service(id, { stop_policy: policy('manual') })
    await service(id, { stop_policy: policy('idle_timeout'), status: 'starting' })
    await service(id, { stop_policy: policy('idle_timeout'), status: 'stopped' })
    await service(id, { stop_policy: policy('idle_timeout'), host_id: other })
    await service(id, { stop_policy: policy('idle_timeout'), provider: 'adapter_managed' })
    const here = new Set((await db.selectFrom('runtime_services').select('id').where('execution_workspace_id', '=', id).execute()).map(one => one.id))
    t.same((await listStoppable(db, hostId)).map(one => one.id).filter(one => here.has(one)), yes.map(one => one.id))
    t.same((await listStoppable(db, hostId, [yes[1]?.id ?? ''])).map(one => one.id), [yes[1]?.id])
  })

  await t.test('the homes of a service are where it was started', async t => {
    t.same(await listServiceHomes(db, ofOwn), { executionWorkspaceIds: [own], projectWorkspaces: [] })
    t.same(await listServiceHomes(db, shared), { executionWorkspaceIds: [own, sharer], projectWorkspaces: [] })
    t.same(await listServiceHomes(db, lent), { executionWorkspaceIds: [], projectWorkspaces: [{ id: projectWorkspaceId, projectId }] })
    t.same(await listServiceHomes(db, { ...sharedByProject, reuse_key: null }), { executionWorkspaceIds: [own], projectWorkspaces: [] })
  })

  await t.test('a twin is another live service of the same command', async t => {
    const group = { lifecycle: 'ephemeral', reuse_key: null, identity_key: randomUUID() } as const
    const one = await service(own, group)
    await service(own, { ...group, status: 'stopped' })
    t.notOk(await hasLiveTwin(db, one))
    await service(own, group)
    t.ok(await hasLiveTwin(db, one))
  })
})
