import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { upsertHost } from '../../db/hosts.ts'
import { deleteLock, deleteLocksOfDeadHosts, deleteLocksOfHost, findConflictingLock, insertLock, nameLockOperation } from '../../db/workspace-locks.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithOperation } from '../fixtures/operations.ts'

await onBothDatabases(t, 'lock rows', async (t, { db }) => {
  const hostId = randomUUID()
  await upsertHost(db, { id: hostId, name: 'x', instanceId: randomUUID(), pid: 1, dataDir: '/x' })
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
    t.equal(await findConflictingLock(db, 'workspace:a', 'shared', shared.id), undefined)
    t.match(await findConflictingLock(db, 'workspace:a', 'exclusive', alone.id), { mode: 'shared' })
    await insertLock(db, alone)
    t.match(await findConflictingLock(db, 'workspace:a', 'shared', shared.id), { id: alone.id })
    await deleteLock(db, alone.id)
    await deleteLock(db, other.id)
    t.equal(await findConflictingLock(db, 'workspace:a', 'exclusive', shared.id), undefined, 'never oneself')
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
    t.equal((await findConflictingLock(db, row.resource, 'exclusive', randomUUID()))?.operation_id, operationId)
    await db.deleteFrom('workspace_operations').where('id', '=', operationId).execute()
    t.equal((await findConflictingLock(db, row.resource, 'exclusive', randomUUID()))?.operation_id, null)
  })
})
