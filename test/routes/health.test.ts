/** Health, readiness, metrics, request ids. */
import t from 'tap'
import { buildTestApp, nobody, person } from '../fixtures/app.ts'

t.test('the service tells about itself', async t => {
  const { app, call, database } = await buildTestApp(t)

  t.test('it is alive at once, and ready only after recovery', async t => {
    t.match(await call('GET', '/healthz'), { status: 200, body: { status: 'ok', version: /^\d/ } })
    t.match(await call('GET', '/readyz'), { status: 503, body: { status: 'not_ready', database: { kind: 'pglite', ok: true }, recovery: { state: 'pending' } } })
    await app.recovery.run()
    t.match(await call('GET', '/readyz'), { status: 200, body: { status: 'ready', recovery: { state: 'done', detail: /./ } } })
  })

  t.test('requests are counted by pattern, not by URL', async t => {
    await call('GET', '/api/companies/11111111-1111-4111-8111-111111111111')
    await call('GET', '/nothing/at/all')
    const { text, headers } = await call('GET', '/metrics')
    t.match(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    t.match(text, 'berth_http_requests_total{method="GET",route="/api/companies/:companyId",status="404"} 1')
    t.notMatch(text, '11111111')
    t.match(text, /berth_http_request_duration_seconds_bucket\{method="GET",route="\/healthz",le="\+Inf"\} 1/)
    t.match(text, /\nprocess_resident_memory_bytes \d+\n/)
    for (const line of text.trim().split('\n')) t.ok(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [\d.e+-]+)$/.test(line), line)
  })

  t.test('refused writes are counted by their code, reads and what failed are not', async t => {
    const company = '/api/companies/22222222-2222-4222-8222-222222222222'
    await call('PUT', company, { name: 'Example' })
    await call('PUT', `${company}/agents/33333333-3333-4333-8333-333333333333`, { name: 'Ada', role: 'engineer' })
    for (const actor of [nobody, person('44444444-4444-4444-8444-444444444444')]) await call('PUT', company, { name: 'Other' }, { actor })
    await call('PUT', company, {})
    await call('GET', '/api/companies/not-an-id')
    await call('DELETE', company)
    const { text } = await call('GET', '/metrics')
    const counted = Object.fromEntries([...text.matchAll(/^berth_refused_writes_total\{code="(\w+)"\} (\d+)$/gm)].map(([, code, count]) => [code, Number(count)]))
    t.same(counted, { unauthenticated: 1, forbidden: 1, invalid_input: 1, still_in_use: 1 })
  })

  t.test('a request id is taken from the client when it can be, and is in the answer and in problems', async t => {
    const given = await call('GET', '/nothing', undefined, { headers: { 'x-request-id': 'from-the-client' } })
    t.equal(given.headers['x-request-id'], 'from-the-client')
    t.equal(given.body.requestId, 'from-the-client')
    for (const odd of ['', 'a b', 'a'.repeat(201), 'é']) {
      const made = await call('GET', '/healthz', undefined, { headers: { 'x-request-id': odd } })
      t.match(made.headers['x-request-id'], /^[0-9a-f-]{36}$/)
    }
  })

  t.test('without its database it is alive, but not ready, and says 503 to the rest', async t => {
    await database.close()
    t.equal((await call('GET', '/healthz')).status, 200)
    t.match(await call('GET', '/readyz'), { status: 503, body: { status: 'not_ready', database: { ok: false } } })
    const answer = await call('GET', '/api/companies')
    t.ok([500, 503].includes(answer.status))
    t.notMatch(answer.text, /driver|destroyed|pglite/i, 'no message from inside')
  })
})
