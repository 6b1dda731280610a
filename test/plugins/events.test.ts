import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../services/access/actor.ts'
import { recordActivity } from '../../services/operations/activity.ts'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'

t.test('activity is for those of the company', async t => {
  const { app, database } = await buildTestApp(t)
  const companyId = randomUUID()
  await recordActivity(database.db, { companyId, actor: localBoard, action: 'company.created', entityType: 'company', entityId: companyId })
  for (const actor of [localBoard, person(companyId, 'viewer'), agentOf(companyId, randomUUID())]) {
    t.match((await app.activity.list(actor, companyId, {})).items, [{ action: 'company.created' }])
  }
  for (const actor of [person(randomUUID()), person(companyId, 'member', 'invited'), agentOf(randomUUID(), randomUUID())]) {
    await t.rejects(app.activity.list(actor, companyId, {}), { code: 'forbidden' })
  }
  await t.rejects(app.activity.list(nobody, companyId, {}), { code: 'unauthenticated' })
})
