/** Limits per actor: requests within a minute, streams at once. */
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { rateKey } from '../../plugins/rate-limit.ts'
import { localBoard } from '../../services/access/actor.ts'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { readDocument } from '../fixtures/document.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { openStream } from '../fixtures/sse.ts'

const companyId = randomUUID()

t.test('an actor counts in all its requests, nobody by address', async t => {
  t.equal(rateKey({ actor: localBoard, ip: '127.0.0.1' }), rateKey({ actor: localBoard, ip: '::1' }))
  t.not(rateKey({ actor: nobody, ip: '127.0.0.1' }), rateKey({ actor: nobody, ip: '::1' }))
  t.equal(new Set([localBoard, person(companyId), agentOf(companyId, 'a'), agentOf(companyId, 'b')].map(actor => rateKey({ actor, ip: '' }))).size, 4)
})

t.test('limits', async t => {
  const { database } = await openTestDatabase(t, 'pglite')
  const { app, call } = await buildTestApp(t, { database, config: { rateLimitPerMin: 5, maxStreamsPerActor: 2 } })
  const document = readDocument(app)

  t.test('who sends more is told when to try again; others are not', async t => {
    const actor = person(companyId)
    for (let left = 4; left >= 0; left--) {
      const answer = await call('GET', '/api/companies', undefined, { actor })
      t.equal(answer.status, 200)
      t.match(answer.headers, { 'ratelimit-limit': '5', 'ratelimit-remaining': String(left), 'ratelimit-reset': /^\d+$/ })
    }
    const answer = await call('GET', '/api/companies', undefined, { actor })
    t.match(answer, { status: 429, headers: { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': /^[1-9]\d*$/ }, body: { code: 'too_many_requests', status: 429 } })
    t.equal(document.faultOf({ method: 'GET', path: '/api/companies' }, answer), null)
    t.equal((await call('GET', '/api/companies', undefined, { actor: agentOf(companyId, randomUUID()) })).status, 200)
  })

  t.test('nothing is done of what is refused', async t => {
    const actor = { type: 'board', userId: 'eager', instanceAdmin: true, memberships: [] } as const
    for (let count = 0; count < 7; count++) await call('POST', '/api/companies', { name: 'Acme' }, { actor })
    t.equal((await call('GET', '/api/companies')).body.length, 5)
  })

  t.test('machines that watch the service are not counted', async t => {
    for (let count = 0; count < 10; count++) t.equal((await call('GET', '/healthz', undefined, { actor: nobody })).status, 200)
  })

  t.test('an actor has as many streams as it may, and gets another when one is closed', async t => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const [{ id } = { id: '' }] = (await call('GET', '/api/companies')).body as { id: string }[]
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/companies/${id}/events`
    const as = (userId: string) => ({ headers: { 'x-test-actor': JSON.stringify({ type: 'board', userId, instanceAdmin: true, memberships: [] }) } })
    const [first] = [await openStream(t, url, as('reader')), await openStream(t, url, as('reader'))]
    const refused = await fetch(url, as('reader'))
    t.match({ status: refused.status, body: await refused.json(), after: refused.headers.get('retry-after') }, { status: 429, body: { code: 'too_many_requests' }, after: '5' })
    t.equal((await openStream(t, url, as('other'))).status, 200)
    first.leave()
    await eventually(() => app.eventStreams.open === 2, 'the stream to be closed')
    t.equal((await openStream(t, url, as('reader'))).status, 200)
  })
})

t.test('in mode local there is no limit unless one is set', async t => {
  const { call } = await buildTestApp(t)
  const answer = await call('GET', '/api/companies')
  t.equal(answer.status, 200)
  t.equal(answer.headers['ratelimit-limit'], undefined)
})
