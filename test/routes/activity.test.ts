import { randomUUID } from 'node:crypto'
import t from 'tap'
import { encodeCursor } from '../../db/page.ts'
import { systemActor } from '../../services/access/actor.ts'
import { recordActivity } from '../../services/operations/activity.ts'
import { agentOf, buildTestApp, person } from '../fixtures/app.ts'

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

t.test('filters narrow it, and go along to the next page', async t => {
  const agent = agentOf(companyId, randomUUID(), randomUUID())
  for (const action of ['x.z', 'x.z', 'xx.z', 'x.a']) await recordActivity(database.db, { companyId, actor: agent, action, entityType: 'z', entityId: action })
  const actions = async (query: string) => (await call('GET', `${path}?${query}`)).body.map(({ action }: { action: string }) => action)
  t.same(await actions('action=x.z,xx.'), ['xx.z', 'x.z', 'x.z'])
  t.same(await actions(`agentId=${agent.type === 'agent' ? agent.agentId : ''}&action=x.&until=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`), ['x.a', 'x.z', 'x.z'])
  t.same(await actions('since=2999-01-01T00:00:00Z'), [])
  const first = await call('GET', `${path}?limit=2&entityType=z&action=x.`)
  t.match(first.body, [{ action: 'x.a' }, { action: 'x.z' }])
  const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? ''
  const second = await call('GET', next)
  t.strictSame([second.body.length, second.body[0].action, second.headers.link], [1, 'x.z', undefined])
})

t.test('it is refused to others, and malformed requests are 400', async t => {
  t.equal((await call('GET', path, undefined, { actor: person(randomUUID()) })).status, 403)
  t.equal((await call('GET', path, undefined, { actor: { type: 'none' } })).status, 401)
  t.equal((await call('GET', '/api/companies/x/activity')).status, 400)
  for (const query of ['since=1', 'until=2026-02-30T00:00:00Z', 'action=', 'action=x%25', 'action=x,', 'agentId=x', 'entityId=', 'what=1']) t.equal((await call('GET', `${path}?${query}`)).status, 400, query)
  for (const cursor of [['1'], ['a', '1'], [1e300, '1'], [-1, '1'], [Date.now(), 'x'], [Date.now(), '9999999999999999999']]) {
    t.match(await call('GET', `${path}?cursor=${encodeCursor(cursor)}`), { status: 400, body: { code: 'invalid_cursor' } }, String(cursor))
  }
  t.match(await call('GET', `${path}?cursor=x`), { status: 400, body: { code: 'invalid_cursor' } })
})
