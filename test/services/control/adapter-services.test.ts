/** Reports as they are stored, on both databases. (Over HTTP: the tests of the route.) */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { createRuntimeAccess } from '../../../services/access/runtime-access.ts'
import { createAdapterServices } from '../../../services/control/adapter-services.ts'
import { createLocks } from '../../../services/operations/locks.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { leaseRows } from '../../fixtures/leases.ts'

await onBothDatabases(t, 'reports', async (t, { db }) => {
  const { workspace, service, hostId } = await leaseRows(db)
  let clock = 1_000_000
  const { report } = createAdapterServices({ db, access: createRuntimeAccess({ db }), locks: createLocks({ db, hostId }), now: () => new Date(clock) })
  const store = async (workspaceId: string, reports: Parameters<typeof report>[2]['reports'], adapterType = 'box') => (await report(localBoard, workspaceId, { adapterType, reports })).runtimeServices
  const rowOf = async (id: string) => await db.selectFrom('runtime_services').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

  await t.test('a report without news only marks the service as used', async t => {
    const id = await workspace()
    const [first] = await store(id, [{ serviceName: 'web', port: 80, stopPolicy: { type: 'idle_timeout', idleSeconds: 5 } }])
    clock += 5000
    await store(id, [{ serviceName: 'web', port: 80, stopPolicy: { idleSeconds: 5, type: 'idle_timeout' } }])
    t.match(await rowOf(first?.id ?? ''), { last_used_at: new Date(clock), updated_at: new Date(clock - 5000), created_at: new Date(clock - 5000) })
    await store(id, [{ serviceName: 'web' }])
    t.match(await rowOf(first?.id ?? ''), { port: null, stop_policy: null, updated_at: new Date(clock) }, 'what is left out is not kept')
  })

  await t.test('no id of another workspace, another system or this host is taken over', async t => {
    const [mine, theirs] = [await workspace(), await workspace()]
    const own = randomUUID()
    const local = await service(theirs)
    t.match(await store(theirs, [{ serviceName: 'a', id: own }]), [{ id: own }])
    for (const id of [own, local.id]) {
      const [stored] = await store(mine, [{ serviceName: 'thief', id, status: 'stopped' }])
      t.not(stored?.id, id)
      t.match(await rowOf(id), { execution_workspace_id: theirs, status: 'running' })
      t.match(await store(mine, [{ serviceName: 'thief', id }]), [{ id: stored?.id }], 'and it keeps its own')
    }
    t.not((await store(theirs, [{ serviceName: 'a', id: own }], 'tent'))[0]?.id, own)
  })

  await t.test('nothing of a refused request is stored', async t => {
    const id = await workspace()
    await t.rejects(store(id, [{ serviceName: 'a' }, { serviceName: 'b', id: 'x' }, { serviceName: 'c', id: 'x' }]), { code: 'unprocessable', members: { errors: [{ pointer: '/reports/2' }] } })
    t.same(await db.selectFrom('runtime_services').select('id').where('execution_workspace_id', '=', id).execute(), [])
    t.same(await db.selectFrom('activity_log').select('id').where('entity_id', '=', id).execute(), [])
  })

  await t.test('two live ones of one name never get in each other’s way', async t => {
    const id = await workspace()
    const stored = await store(id, [{ serviceName: 'web', id: 'one' }, { serviceName: 'web', id: 'two' }, { serviceName: 'web' }])
    t.equal(new Set(stored.map(one => one.id)).size, 3)
  })
})
