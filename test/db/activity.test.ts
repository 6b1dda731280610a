import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertActivity, listActivity, type ActivityFilter } from '../../db/activity.ts'
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
    const rest = await listActivity(db, companyId, { limit: 2, after: { createdAt: all[0]?.created_at ?? new Date(), seq: all[0]?.seq ?? '' } })
    t.same(rest.map(row => row.entity_id), ['2', '1'])
    t.same(await listActivity(db, randomUUID(), { limit: 10, after: null }), [])
  })

  await t.test('are found by each filter, and by several at once', async t => {
    const company = randomUUID()
    const [agent, run] = [randomUUID(), randomUUID()]
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 10, minute))
    const write = async (minute: number, action: string, extra: object = {}) => await insertActivity(db, {
      id: randomUUID(), company_id: company, actor_type: 'board', actor_id: 'ann', action, entity_type: action.split('.')[0] ?? '', entity_id: `e${minute}`, created_at: at(minute), ...extra
    })
    await write(3, 'thing.done')
    await write(1, 'thing.undone')
    await write(2, 'things.done', { entity_id: 'e1' })
    await write(2, 'thing-like.done', { actor_type: 'agent', actor_id: agent, agent_id: agent, run_id: run })
    const minutes = async (filter: ActivityFilter) => (await listActivity(db, company, { limit: 10, after: null, filter })).map(row => `${row.created_at.getUTCMinutes()} ${row.action}`)
    const all = ['3 thing.done', '2 thing-like.done', '2 things.done', '1 thing.undone']
    t.same(await minutes({}), all, 'by their time, then by their number')
    t.same(await minutes({ actions: ['thing.'] }), [all[0], all[3]])
    t.same(await minutes({ actions: ['thing.undone', 'things.'] }), [all[2], all[3]])
    t.same(await minutes({ actions: ['thing'] }), [])
    t.same(await minutes({ entityType: 'things' }), [all[2]])
    t.same(await minutes({ entityId: 'e1' }), [all[2], all[3]])
    t.same(await minutes({ actorId: 'ann' }), [all[0], all[2], all[3]])
    t.same(await minutes({ agentId: agent.toUpperCase() }), [all[1]])
    t.same(await minutes({ runId: run }), [all[1]])
    t.same(await minutes({ since: at(2), until: at(3) }), [all[1], all[2]])
    t.same(await minutes({ entityId: 'e1', actions: ['thing.'] }), [all[3]])
    t.same(await minutes({ runId: run, actorId: 'ann' }), [])
  })
})
