import { randomUUID } from 'node:crypto'
import t from 'tap'
import { systemActor } from '../../services/access/actor.ts'
import { recordActivity } from '../../services/operations/activity.ts'
import { buildTestApp, person } from '../fixtures/app.ts'

const { database, call } = await buildTestApp(t)
const companyId = randomUUID()
const path = `/api/companies/${companyId}/activity`
for (let index = 0; index < 3; index++) {
  await recordActivity(database.db, { companyId, actor: systemActor, action: 'x.y', entityType: 'x', entityId: String(index), details: { changedKeys: ['name'] } })
}

t.test('activity of a company: newest first, paged, with its details', async t => {
  const first = await call('GET', `${path}?limit=2`)
  t.equal(first.status, 200)
  t.match(first.body, [{ entityId: '2', actorType: 'system', actorId: null, details: { changedKeys: ['name'] } }, { entityId: '1' }])
  const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? ''
  t.match((await call('GET', next)).body, [{ entityId: '0' }])
})

t.test('it is refused to others, and malformed requests are 400', async t => {
  t.equal((await call('GET', path, undefined, { actor: person(randomUUID()) })).status, 403)
  t.equal((await call('GET', path, undefined, { actor: { type: 'none' } })).status, 401)
  t.equal((await call('GET', '/api/companies/x/activity')).status, 400)
  t.equal((await call('GET', `${path}?since=1`)).status, 400)
  t.match(await call('GET', `${path}?cursor=x`), { status: 400, body: { code: 'invalid_cursor' } })
})
