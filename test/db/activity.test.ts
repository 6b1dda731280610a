import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertActivity, listActivity } from '../../db/activity.ts'
import { onBothDatabases } from '../fixtures/database.ts'

await onBothDatabases(t, 'rows of activity', async (t, { db }) => {
  const companyId = randomUUID()
  for (let index = 0; index < 4; index++) {
    await insertActivity(db, { id: randomUUID(), company_id: companyId, actor_type: 'system', action: 'a.b', entity_type: 'a', entity_id: String(index), details: '{"n":1}' })
  }

  await t.test('come newest first, after a place on demand', async t => {
    const all = await listActivity(db, companyId, { limit: 10, after: null })
    t.same(all.map(row => row.entity_id), ['3', '2', '1', '0'])
    t.same(all[0]?.details, { n: 1 })
    const rest = await listActivity(db, companyId, { limit: 2, after: all[0]?.seq ?? null })
    t.same(rest.map(row => row.entity_id), ['2', '1'])
    t.same(await listActivity(db, randomUUID(), { limit: 10, after: null }), [])
  })
})
