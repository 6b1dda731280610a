import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertActivity } from '../../../db/activity.ts'
import { listenByConnection } from '../../../db/notifications.ts'
import { createEventSignals } from '../../../services/operations/event-signals.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

t.test('a follower is called for its company, or for all, until it is released', async t => {
  const { db, database } = await openTestDatabase(t, 'pglite')
  const signals = createEventSignals({ listen: database.listen, log: { warn: (_fields, message) => t.fail(message) } })
  t.teardown(() => signals.close())
  const [mine, other] = [randomUUID(), randomUUID()]
  const calls = { mine: 0, other: 0, all: 0 }
  const [one] = [signals.follow(mine.toUpperCase(), () => { calls.mine++ }), signals.follow(other, () => { calls.other++ }), signals.follow(null, () => { calls.all++ })]
  await eventually(() => calls.all === 1, 'the call that comes with listening')
  t.same(calls, { mine: 1, other: 1, all: 1 })
  const act = async (companyId: string) => await insertActivity(db, { id: randomUUID(), company_id: companyId, actor_type: 'system', action: 'a.b', entity_type: 'a', entity_id: '1' })
  await act(mine)
  await eventually(() => calls.all === 2, 'a call')
  t.same(calls, { mine: 2, other: 1, all: 2 })
  one.release()
  const before = signals.count
  await act(mine)
  await eventually(() => calls.all === 3, 'another call')
  t.same(calls, { mine: 2, other: 1, all: 3 })
  t.ok(signals.count > before)
})

t.test('while nothing can be heard followers are called now and then', async t => {
  const warnings: string[] = []
  const signals = createEventSignals({ listen: listenByConnection('postgres://a@127.0.0.1:1/b'), log: { warn: (_fields, message) => { warnings.push(message) } }, pollMs: 5 })
  let calls = 0
  signals.follow(randomUUID(), () => { calls++ })
  await eventually(() => calls >= 3, 'three calls')
  t.same(warnings, ['events can not be heard of; until that is over they are looked for every 5 ms'])
  await signals.close()
})
