import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { insertActivity } from '../../db/activity.ts'
import type { Database, Db } from '../../db/client.ts'
import { eventsChannel } from '../../db/company-events.ts'
import { listenByConnection, type Listener } from '../../db/notifications.ts'
import { onBothDatabases, openTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'

const act = async (db: Db, companyId: string) => await insertActivity(db, { id: randomUUID(), company_id: companyId, actor_type: 'system', action: 'a.b', entity_type: 'a', entity_id: '1' })

interface Heard { listener: Listener, payloads: string[], counts: { listening: number, lost: number } }

function hear (t: Test, listen: Database['listen'], channel = eventsChannel): Heard {
  const payloads: string[] = []
  const counts = { listening: 0, lost: 0 }
  const listener = listen(channel, {
    onPayload: payload => payloads.push(payload),
    onListening: () => { counts.listening++ },
    onLost: () => { counts.lost++ }
  })
  t.teardown(() => listener.close())
  return { listener, payloads, counts }
}

await onBothDatabases(t, 'a listener hears each transaction with events once, and only when it is committed', async (t, { db, database }) => {
  const { listener, payloads, counts } = hear(t, database.listen)
  const other = hear(t, database.listen, 'something_else')
  await eventually(() => listener.listening && other.listener.listening, 'the listener to listen')
  const [companyId, undone] = [randomUUID(), randomUUID()]
  await t.rejects(db.transaction().execute(async trx => {
    await act(trx, undone)
    throw new Error('undone')
  }))
  await db.transaction().execute(async trx => {
    await act(trx, companyId)
    await act(trx, companyId)
    t.same(payloads, [])
  })
  await eventually(() => payloads.length > 0, 'a notification')
  await sql`select pg_notify('something_else', 'x')`.execute(db)
  await eventually(() => other.payloads.length > 0, 'another notification')
  t.same(payloads, [companyId])
  t.same(other.payloads, ['x'])
  t.same(counts, { listening: 1, lost: 0 })
  await listener.close()
  await act(db, companyId)
  await sql`select 1`.execute(db)
  t.same(payloads, [companyId], 'no more once it is closed')
})

t.test('a listener whose connection is ended comes back and says so', async t => {
  const { db, database } = await openTestDatabase(t, 'postgres')
  const { listener, payloads, counts } = hear(t, database.listen)
  await eventually(() => listener.listening, 'the listener to listen')
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'berth-events'`.execute(db)
  await eventually(() => counts.lost === 1, 'the loss to be noticed')
  await eventually(() => counts.listening === 2, 'it to listen again')
  const companyId = randomUUID()
  await act(db, companyId)
  await eventually(() => payloads.includes(companyId), 'a notification')
})

t.test('a listener that reaches no server says so once and goes on trying; closing ends that', async t => {
  const { listener, counts } = hear(t, listenByConnection('postgres://a@127.0.0.1:1/b'))
  await eventually(() => counts.lost === 1, 'the loss to be noticed')
  await listener.close()
  t.same([listener.listening, counts], [false, { listening: 0, lost: 1 }])
})
