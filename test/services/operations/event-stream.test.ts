import { randomUUID } from 'node:crypto'
import type { KyselyPlugin } from 'kysely'
import t from 'tap'
import { insertActivity } from '../../../db/activity.ts'
import { createEventSignals } from '../../../services/operations/event-signals.ts'
import { createEventFollowers, type SentEvent } from '../../../services/operations/event-stream.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

const { db, database } = await openTestDatabase(t, 'pglite')
const signals = createEventSignals({ listen: database.listen, log: { warn: (_fields, message) => t.fail(message) } })
t.teardown(() => signals.close())

let queries = 0
const counting: KyselyPlugin = {
  transformQuery ({ node }) {
    queries++
    return node
  },
  transformResult: async ({ result }) => result
}
const followers = createEventFollowers({ db: db.withPlugin(counting), signals, pageSize: 10 })
const act = async (companyId: string, entityId: string) => await insertActivity(db, { id: randomUUID(), company_id: companyId, actor_type: 'system', action: 'a.b', entity_type: 'a', entity_id: entityId })

t.test('a reader is read no more than a page ahead, and costs nothing while it does not ask', async t => {
  const companyId = randomUUID()
  for (let at = 0; at < 35; at++) await act(companyId, String(at))
  const over = new AbortController()
  const events = (await followers.follow(companyId, { after: undefined, from: 'start', types: undefined }))(over.signal)
  queries = 0
  t.match((await events.next()).value, { event: 'position', id: '0-0' })
  for (let at = 0; at < 10; at++) t.match(JSON.parse((await events.next()).value?.data ?? ''), { entityId: String(at) })
  t.equal(queries, 1)
  for (let at = 10; at < 35; at++) t.match(JSON.parse((await events.next()).value?.data ?? ''), { entityId: String(at) })
  t.equal(queries, 4)
  const waiting = events.next()
  over.abort()
  t.same(await waiting, { value: undefined, done: true })
})

t.test('readers who are woken together are read for together', async t => {
  const companyId = randomUUID()
  const over = new AbortController()
  const seen: SentEvent[] = []
  const many = 50
  const all = Array.from({ length: many }, async () => {
    const follow = await followers.follow(companyId, { after: undefined, from: 'now', types: undefined })
    for await (const event of follow(over.signal)) seen.push(event)
  })
  await eventually(() => seen.length === many, 'all to have begun')
  await db.selectFrom('hosts').select('id').execute()
  queries = 0
  await act(companyId, 'x')
  await eventually(() => seen.length === 2 * many, 'all to have the event')
  t.ok(queries < 10, `${queries} queries`)
  over.abort()
  await Promise.all(all)
})
