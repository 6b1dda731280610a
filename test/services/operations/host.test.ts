import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ensureHost, startHeartbeat } from '../../../services/operations/host.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

await onBothDatabases(t, 'hosts', async (t, { db }) => {
  await t.test('a host keeps its id with the data dir; each start has an instance id of its own', async t => {
    const dataDir = t.testdir({})
    const [firstStart, secondStart] = [randomUUID(), randomUUID()]
    const first = await ensureHost(db, { dataDir, name: 'one', instanceId: firstStart })
    const second = await ensureHost(db, { dataDir, name: 'two', instanceId: secondStart })
    t.equal(second.id, first.id)
    t.equal((await readFile(join(dataDir, 'host-id'), 'utf8')).trim(), first.id)
    t.match(await db.selectFrom('hosts').selectAll().where('id', '=', first.id).execute(), [{ name: 'two', instance_id: secondStart, pid: process.pid, data_dir: dataDir }])
  })

  await t.test('another data dir is another host', async t => {
    const [one, other] = [t.testdir({ one: {}, other: {} })].flatMap(dir => [join(dir, 'one'), join(dir, 'other')])
    const ids = await Promise.all([one, other].map(async dataDir => (await ensureHost(db, { dataDir: dataDir ?? '', name: 'x', instanceId: randomUUID() })).id))
    t.not(ids[0], ids[1])
  })

  await t.test('a file that holds no id stops the start with what to do about it', async t => {
    const dataDir = t.testdir({})
    await writeFile(join(dataDir, 'host-id'), 'garbage')
    await t.rejects(ensureHost(db, { dataDir, name: 'x', instanceId: randomUUID() }), /host-id does not hold a host id.*hosts/)
  })

  await t.test('a heart-beat renews the host\'s time until it is stopped', async t => {
    const { id } = await ensureHost(db, { dataDir: t.testdir({}), name: 'x', instanceId: randomUUID() })
    await db.updateTable('hosts').set({ heartbeat_at: new Date(0) }).where('id', '=', id).execute()
    const beatAt = async (): Promise<number> => (await db.selectFrom('hosts').select('heartbeat_at').where('id', '=', id).executeTakeFirstOrThrow()).heartbeat_at.getTime()
    const stop = startHeartbeat({ db, hostId: id, intervalMs: 5, onFailure: error => t.fail('beats', { error }) })
    await eventually(async () => await beatAt() > 0, 'a beat')
    await stop()
    await db.updateTable('hosts').set({ heartbeat_at: new Date(0) }).where('id', '=', id).execute()
    t.equal(await beatAt(), 0, 'the stop waits for a beat under way')
  })
})

t.test('failing beats are told once, and again only after one worked', async t => {
  const failures: unknown[] = []
  let works = false
  let beats = 0
  const query = { set: () => query, where: () => query, async execute () { beats++; if (!works) throw new Error('no database') } }
  const stop = startHeartbeat({ db: { updateTable: () => query } as never, hostId: randomUUID(), intervalMs: 1, onFailure: error => failures.push(error) })
  await eventually(() => beats >= 3, 'three failing beats')
  t.equal(failures.length, 1)
  works = true
  const failed = beats
  await eventually(() => beats > failed + 1, 'a beat that works')
  works = false
  await eventually(() => failures.length === 2, 'a second report')
  await stop()
})
