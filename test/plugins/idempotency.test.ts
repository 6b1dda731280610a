/** POST with an Idempotency-Key. */
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { buildTestApp, person } from '../fixtures/app.ts'

t.test('a POST with an Idempotency-Key', async t => {
  const { call, database } = await buildTestApp(t)
  await call('PUT', `/api/companies/${ids.company}`, { name: 'A' })
  const url = `/api/companies/${ids.company}/projects`
  const post = (key: string, body: unknown, actor?: ReturnType<typeof person>) => call('POST', url, body, { headers: { 'idempotency-key': key }, ...(actor === undefined ? {} : { actor }) })
  const count = async () => (await call('GET', url)).body.length

  t.test('gives the first answer again, headers and all, and does nothing twice', async t => {
    const first = await post('k1', { name: 'P' })
    t.equal(first.status, 201)
    const again = await post('k1', { name: 'P' })
    t.equal(again.status, 201)
    t.equal(again.text, first.text)
    for (const name of ['location', 'etag', 'content-type']) t.equal(again.headers[name], first.headers[name], name)
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.equal(first.headers['idempotency-replayed'], undefined)
    t.equal(await count(), 1)
  })

  t.test('with another body is a 422', async t => {
    t.match(await post('k1', { name: 'Q' }), { status: 422, body: { code: 'idempotency_mismatch' } })
    t.equal(await count(), 1)
  })

  t.test('is remembered per person and per path', async t => {
    t.equal((await post('k1', { name: 'Q' }, person(ids.company, 'admin'))).status, 201)
    t.equal((await call('POST', `/api/companies/${ids.company}/agents`, { name: 'a' }, { headers: { 'idempotency-key': 'k1' } })).status, 201)
  })

  t.test('keeps a refusal of the request too, but not one that may pass', async t => {
    t.equal((await post('k2', { name: 'P', executionWorkspacePolicy: { workspaceRuntime: { commands: 1 } } })).status, 422)
    t.match(await post('k2', { name: 'P', executionWorkspacePolicy: { workspaceRuntime: { commands: 1 } } }), { status: 422, headers: { 'idempotency-replayed': 'true', 'content-type': /problem\+json/ } })
    const wrong = await post('k3', { colour: 1 })
    t.equal(wrong.status, 400)
    t.equal((await post('k3', { name: 'after a malformed one' })).status, 201, 'a malformed request takes no key')
  })

  t.test('of 10 at once one is done; the others get its answer or are told it still runs', async t => {
    const before = await count()
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('k4', { name: 'P' })))
    t.equal(await count(), before + 1)
    t.ok(answers.some(answer => answer.status === 201))
    for (const answer of answers) t.ok(answer.status === 201 || (answer.status === 409 && answer.headers['retry-after'] !== undefined), String(answer.status))
  })

  t.test('must be printable and short', async t => {
    for (const key of ['a'.repeat(256), 'é']) t.match(await post(key, { name: 'P' }), { status: 400, body: { code: 'bad_request' } })
  })

  t.test('may be used anew when its time is up', async t => {
    await database.db.updateTable('idempotency_keys').set({ expires_at: new Date(Date.now() - 1000) }).where('key', '=', 'k1').execute()
    t.equal((await post('k1', { name: 'Other' })).status, 201)
  })
})
