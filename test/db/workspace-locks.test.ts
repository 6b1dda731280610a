import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { upsertHost } from '../../db/hosts.ts'
import { deleteLock, deleteLocksOfDeadHosts, deleteLocksOfHost, insertLock, lookAtLock, nameLockOperation } from '../../db/workspace-locks.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithOperation } from '../fixtures/operations.ts'

await onBothDatabases(t, 'lock rows', async (t, { db }) => {
  const hostId = randomUUID()
  await upsertHost(db, { id: hostId, name: 'x', instanceId: randomUUID(), pid: 1, dataDir: '/x' })
  const inTheWay = async (resource: string, mode: 'shared' | 'exclusive', ownId: string) => (await lookAtLock(db, { resource, mode, ownId, workspaceId: null })).other
  const lock = (mode: 'shared' | 'exclusive', resource = 'workspace:a') => ({ id: randomUUID(), resource, mode, purpose: 'testing', host_id: hostId, operation_id: null })
  t.afterEach(async () => { await deleteLocksOfHost(db, hostId) })

  await t.test('a resource has one exclusive row, and any number of shared ones', async t => {
    t.ok(await insertLock(db, lock('exclusive')))
    t.notOk(await insertLock(db, lock('exclusive')))
    t.ok(await insertLock(db, lock('exclusive', 'workspace:b')))
    t.ok(await insertLock(db, lock('shared')))
    t.ok(await insertLock(db, lock('shared')))
  })

  await t.test('anybody is in the way of an exclusive one, only an exclusive one of a shared one', async t => {
    const [shared, other, alone] = [lock('shared'), lock('shared'), lock('exclusive')]
    for (const row of [shared, other]) await insertLock(db, row)
    t.equal(await inTheWay('workspace:a', 'shared', shared.id), undefined)
    t.match(await inTheWay('workspace:a', 'exclusive', alone.id), { mode: 'shared' })
    await insertLock(db, alone)
    t.match(await inTheWay('workspace:a', 'shared', shared.id), { id: alone.id })
    await deleteLock(db, alone.id)
    await deleteLock(db, other.id)
    t.equal(await inTheWay('workspace:a', 'exclusive', shared.id), undefined, 'never oneself')
  })

  await t.test('a look sees who is in the way, whole, and the status of the workspace at that moment', async t => {
    const { workspaceId, operationId } = await companyWithOperation(db)
    const row = { ...lock('exclusive'), operation_id: operationId, acquired_at: new Date('2026-01-05T10:00:00.123Z') }
    await insertLock(db, row)
    const look = async (id: string | null) => await lookAtLock(db, { resource: row.resource, mode: 'shared', ownId: randomUUID(), workspaceId: id })
    t.same(await look(workspaceId), { other: row, workspaceStatus: 'active' })
    await db.updateTable('execution_workspaces').set({ status: 'archiving' }).where('id', '=', workspaceId).execute()
    await deleteLock(db, row.id)
    t.same(await look(workspaceId), { other: undefined, workspaceStatus: 'archiving' })
    for (const id of [null, randomUUID()]) t.same(await look(id), { other: undefined, workspaceStatus: null })
  })

  await t.test('only locks of hosts without a heart-beat are dead', async t => {
    await insertLock(db, lock('exclusive'))
    await insertLock(db, lock('exclusive', 'workspace:b'))
    t.equal(await deleteLocksOfDeadHosts(db, 'workspace:a', 60_000), 0)
    await db.updateTable('hosts').set({ heartbeat_at: sql<Date>`now() - interval '61 seconds'` }).execute()
    t.equal(await deleteLocksOfDeadHosts(db, 'workspace:a', 60_000), 1)
    t.equal(await deleteLocksOfHost(db, hostId), 1, 'other resources are left')
  })

  await t.test('a lock outlives the operation it names', async t => {
    const { operationId } = await companyWithOperation(db)
    const row = lock('exclusive')
    await insertLock(db, row)
    await nameLockOperation(db, row.id, operationId)
    t.equal((await inTheWay(row.resource, 'exclusive', randomUUID()))?.operation_id, operationId)
    await db.deleteFrom('workspace_operations').where('id', '=', operationId).execute()
    t.equal((await inTheWay(row.resource, 'exclusive', randomUUID()))?.operation_id, null)
  })
})
