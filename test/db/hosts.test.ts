import { randomUUID } from 'node:crypto'
import t from 'tap'
import { beatHost, upsertHost } from '../../db/hosts.ts'
import { onBothDatabases } from '../fixtures/database.ts'

await onBothDatabases(t, 'a host', async (t, { db }) => {
  const id = randomUUID()
  const first = await upsertHost(db, { id, name: 'one', instanceId: randomUUID(), pid: 1, dataDir: '/a' })
  const instanceId = randomUUID()
  const again = await upsertHost(db, { id, name: 'two', instanceId, pid: 2, dataDir: '/b' })

  await t.test('has one row, which each start renews', async t => {
    t.match(again, { id, name: 'two', instance_id: instanceId, pid: 2, data_dir: '/b' })
    t.ok(again.started_at.getTime() >= first.started_at.getTime())
    t.equal((await db.selectFrom('hosts').select('id').execute()).length, 1)
  })

  await t.test('beats by the clock of the database', async t => {
    await db.updateTable('hosts').set({ heartbeat_at: new Date(0) }).execute()
    await beatHost(db, id)
    const { heartbeat_at: beatAt } = await db.selectFrom('hosts').select('heartbeat_at').executeTakeFirstOrThrow()
    t.ok(Math.abs(beatAt.getTime() - Date.now()) < 60_000)
  })
})
