import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard, systemActor, type Actor } from '../../../services/access/actor.ts'
import { createActivity, recordActivity } from '../../../services/operations/activity.ts'
import { onBothDatabases } from '../../fixtures/database.ts'

const agent: Actor = { type: 'agent', agentId: randomUUID(), companyId: randomUUID(), runId: randomUUID() }

await onBothDatabases(t, 'activity', async (t, { db }) => {
  const companyId = randomUUID()
  const activity = createActivity({ db })
  const entry = (extra: object = {}) => ({ companyId, actor: localBoard as Actor, action: 'execution_workspace.updated', entityType: 'execution_workspace', entityId: randomUUID(), ...extra })

  await t.test('an entry says who did it', async t => {
    await recordActivity(db, entry({ details: { changedKeys: ['name\0'] } }))
    await recordActivity(db, entry({ actor: agent }))
    await recordActivity(db, entry({ actor: systemActor }))
    const { items } = await activity.list(companyId, {})
    t.match(items, [
      { actorType: 'system', actorId: null, agentId: null, runId: null },
      { actorType: 'agent', actorId: agent.agentId, agentId: agent.agentId, runId: agent.runId },
      { actorType: 'board', actorId: 'local', agentId: null, details: { changedKeys: ['name\uFFFD'] }, action: 'execution_workspace.updated' }
    ], 'newest first')
    await t.rejects(recordActivity(db, entry({ actor: { type: 'none' } })), TypeError, 'nobody does nothing')
  })

  await t.test('an entry is undone with the change it belongs to', async t => {
    const before = (await activity.list(companyId, {})).items.length
    await t.rejects(db.transaction().execute(async trx => {
      await recordActivity(trx, entry())
      throw new Error('the change failed')
    }), /the change failed/)
    t.equal((await activity.list(companyId, {})).items.length, before)
  })

  await t.test('pages follow each other without a gap, and other companies\' entries are not among them', async t => {
    const company = randomUUID()
    for (let index = 0; index < 7; index++) await recordActivity(db, entry({ companyId: company, entityId: String(index) }))
    await recordActivity(db, entry({ companyId: randomUUID() }))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await activity.list(company, { limit: 3, cursor })
      seen.push(...page.items.map(({ entityId }) => entityId))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    t.same(seen, ['6', '5', '4', '3', '2', '1', '0'])
  })
})
