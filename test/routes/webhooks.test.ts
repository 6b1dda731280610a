/** Webhooks: made and changed by admins alone, their secrets shown once, what happens sent to real receivers, whatever those do. */
import { Webhook } from 'standardwebhooks'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { agentOf, buildTestApp, nobody, person, type TestApp } from '../fixtures/app.ts'
import { onBothDatabases, type TestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePort } from '../fixtures/processes.ts'
import { startReceiver } from '../fixtures/receiver.ts'

const companyId = '11111111-1111-4111-8111-111111111111'
const otherId = '22222222-2222-4222-8222-222222222222'
const path = `/api/companies/${companyId}/webhooks`
const hurried = { webhookAllowPrivate: true, webhookTimeoutSec: 1, webhookRetryMaxSec: 1, webhookMaxAttempts: 3 }

type Call = TestApp['call']

/** An app with two companies, in which retries come soon. */
async function appOn (t: Test, { database }: TestDatabase, config: object = hurried, onLog?: (line: object) => void): Promise<TestApp> {
  const made = await buildTestApp(t, { database, config, ...(onLog === undefined ? {} : { onLog }) })
  for (const id of [companyId, otherId]) await made.call('PUT', `/api/companies/${id}`, { name: 'Example Company' })
  return made
}

/** Makes something happen: an agent of this name. */
async function happen (call: Call, id: string, company = companyId): Promise<void> {
  const { status, text } = await call('PUT', `/api/companies/${company}/agents/${id}`, { name: 'Ada', role: 'engineer' })
  if (status !== 201) throw new Error(text)
}

const agentId = (n: number): string => `55555555-5555-4555-8555-${String(n).padStart(12, '0')}`

async function makeWebhook (call: Call, body: object): Promise<{ id: string, secret: string, at: string }> {
  const { status, body: { id, secret }, text } = await call('POST', path, { types: ['agent.'], ...body })
  if (status !== 201) throw new Error(text)
  return { id, secret, at: `${path}/${id}` }
}

async function deliveryWith (call: Call, at: string, status: string, withinMs = 20_000): Promise<any> {
  let found: any
  await eventually(async () => {
    [found] = (await call('GET', `${at}/deliveries?status=${status}`)).body
    return found !== undefined
  }, `a delivery that is ${status}`, withinMs)
  return (await call('GET', `${at}/deliveries/${found.id}`)).body
}

await onBothDatabases(t, 'webhooks are made, changed and deleted', async (t, testDatabase) => {
  const lines: object[] = []
  const { call, database: { db } } = await appOn(t, testDatabase, {}, line => lines.push(line))
  const url = 'https://hooks.example.invalid/berth'
  const secrets: string[] = []

  t.test('with a secret that only this answer shows', async t => {
    const { status, headers, body } = await call('POST', path, { url, types: ['execution_workspace.', 'project.created'] })
    t.equal(status, 201)
    t.equal(headers['location'], `${path}/${body.id}`)
    t.match(body.secret, /^whsec_/)
    t.match(body, { companyId, url, types: ['execution_workspace.', 'project.created'], description: null, enabled: true, disabledReason: null, previousSecretExpiresAt: null, version: 1 })
    secrets.push(body.secret)
    const { secret: _, ...shown } = body
    t.same((await call('GET', `${path}/${body.id}`)).body, shown)
    t.same((await call('GET', path)).body, [shown])
  })

  t.test('by PATCH, with If-Match', async t => {
    const [{ id }] = (await call('GET', path)).body
    const changed = await call('PATCH', `${path}/${id}`, { description: 'For the board', types: null }, { headers: { 'if-match': '"1"' } })
    t.match(changed.body, { description: 'For the board', types: null, version: 2, url })
    t.match(changed.headers['etag'], /^"2-/)
    t.equal((await call('PATCH', `${path}/${id}`, { description: 'For the board' }, { headers: { 'if-match': String(changed.headers['etag']) } })).status, 200)
    t.match((await call('PATCH', `${path}/${id}`, { enabled: false }, { headers: { 'if-match': '"1"' } })).body, { status: 412, code: 'precondition_failed' })
    t.match((await call('PATCH', `${path}/${id}`, { description: 'For the board' })).body, { version: 2 }, 'the same again changes nothing')
    t.match((await call('PATCH', `${path}/${id}`, { enabled: false })).body, { enabled: false, version: 3 })
    t.match((await call('POST', `${path}/${id}/test`)).body, { status: 409, code: 'conflict' }, 'a disabled one is sent nothing')
  })

  t.test('given a new secret, the old one signing for another day', async t => {
    const [{ id }] = (await call('GET', path)).body
    const { body } = await call('POST', `${path}/${id}/rotate-secret`)
    t.match(body.secret, /^whsec_/)
    t.not(body.secret, secrets[0])
    const hours = (Date.parse(body.previousSecretExpiresAt) - Date.now()) / 3_600_000
    t.ok(hours > 23.9 && hours <= 24)
    secrets.push(body.secret)
  })

  t.test('not to places nothing may be sent to', async t => {
    for (const bad of ['http://hooks.example.com/', 'https://127.0.0.1/', 'https://[::1]/', 'https://localhost/', 'https://169.254.169.254/', 'https://a:b@hooks.example.com/', 'nonsense']) {
      t.match((await call('POST', path, { url: bad })).body, { status: 422, code: 'webhook_url_not_allowed', errors: [{ pointer: '/url' }] }, bad)
      const [{ id }] = (await call('GET', path)).body
      t.equal((await call('PATCH', `${path}/${id}`, { url: bad })).status, 422, bad)
    }
    for (const body of [{}, { url, types: [] }, { url, types: ['Not a type'] }, { url, secret: 'whsec_mine' }, { url: '' }]) t.equal((await call('POST', path, body)).status, 400, JSON.stringify(body))
  })

  t.test('by admins of the company alone', async t => {
    const [{ id }] = (await call('GET', path)).body
    const writes: [Parameters<Call>[0], string, unknown][] = [['POST', path, { url }], ['PATCH', `${path}/${id}`, { enabled: true }], ['DELETE', `${path}/${id}`, undefined],
      ['POST', `${path}/${id}/rotate-secret`, undefined], ['POST', `${path}/${id}/test`, undefined], ['POST', `${path}/${id}/deliveries/${id}/redeliver`, undefined]]
    for (const [method, at, body] of writes) {
      for (const actor of [person(companyId, 'member'), person(companyId, 'viewer'), agentOf(companyId, id), person(otherId, 'owner')]) t.equal((await call(method, at, body, { actor })).status, 403, `${method} ${at}`)
      t.equal((await call(method, at, body, { actor: nobody })).status, 401)
    }
    const reads = [path, `${path}/${id}`, `${path}/${id}/deliveries`]
    for (const at of reads) {
      t.equal((await call('GET', at, undefined, { actor: person(companyId, 'viewer') })).status, 200)
      t.equal((await call('GET', at, undefined, { actor: person(otherId, 'owner') })).status, 403)
    }
    for (const role of ['owner', 'admin'] as const) t.equal((await call('PATCH', `${path}/${id}`, { description: role }, { actor: person(companyId, role) })).status, 200)
    const elsewhere = path.replace(companyId, otherId)
    for (const at of [`${elsewhere}/${id}`, `${elsewhere}/${id}/deliveries`, `${path}/${otherId}`, `${path}/${id}/deliveries/${otherId}`]) t.equal((await call('GET', at)).status, 404, at)
  })

  t.test('and are gone when they are deleted', async t => {
    const [{ id }] = (await call('GET', path)).body
    t.equal((await call('DELETE', `${path}/${id}`)).status, 204)
    t.equal((await call('GET', `${path}/${id}`)).status, 404)
    t.equal((await call('DELETE', `${path}/${id}`)).status, 404)
  })

  t.test('each change is activity, and no secret is anywhere but in its table', async t => {
    const { body } = await call('GET', `/api/companies/${companyId}/activity?action=webhook.`)
    t.same(new Set(body.map(({ action }: { action: string }) => action)), new Set(['webhook.created', 'webhook.updated', 'webhook.secret_rotated', 'webhook.deleted']))
    t.same(body.at(-1).details, { changed: ['url', 'types', 'description', 'enabled'] })
    const { rows } = await sql<{ text: string }>`select row_to_json(e)::text as text from company_events e union all select row_to_json(a)::text from activity_log a`.execute(db)
    const kept = JSON.stringify([rows, lines])
    t.equal(secrets.length, 2)
    for (const secret of secrets) t.notOk(kept.includes(secret.slice('whsec_'.length)))
    t.notOk(kept.includes('hooks.example.invalid'), 'nor a URL')
  })
})

await onBothDatabases(t, 'what happens is sent', async (t, testDatabase) => {
  const { call, app } = await appOn(t, testDatabase)

  await t.test('signed, once to each webhook that wants it, with the event\'s data', async t => {
    const [all, some, none] = [await startReceiver(t), await startReceiver(t), await startReceiver(t)]
    await happen(call, agentId(1))
    const { secret } = await makeWebhook(call, { url: all.url, types: null })
    const { at } = await makeWebhook(call, { url: some.url })
    await makeWebhook(call, { url: none.url, types: ['execution_workspace.'] })
    await makeWebhook(call, { url: none.url, enabled: false })
    await happen(call, agentId(2))
    await happen(call, agentId(3), otherId)
    await call('DELETE', `/api/companies/${companyId}/agents/${agentId(2)}`)
    await eventually(() => some.received.length >= 2 && all.received.some(({ message }) => message.type === 'agent.deleted'), 'the messages')
    t.same(some.received.map(({ message }) => message.type).sort(), ['agent.created', 'agent.deleted'])
    const created = some.received.find(({ message }) => message.type === 'agent.created')
    t.match(created?.message, { companyId, entityType: 'agent', entityId: agentId(2), data: { action: 'agent.created', details: { changed: Array } } })
    t.match(created?.headers, { 'content-type': 'application/json', 'user-agent': /^Berth\/\d/ })
    for (const { body, headers } of all.received) t.doesNotThrow(() => new Webhook(secret).verify(body, headers as Record<string, string>))
    t.same(none.received, [])
    const delivery = await deliveryWith(call, at, 'delivered')
    const sent = some.received.find(({ headers }) => headers['webhook-id'] === delivery.id)
    t.equal(delivery.payload, sent?.body)
    t.match(delivery, { eventId: sent?.message.id, attemptCount: 1, nextAttemptAt: null, finishedAt: String, attempts: [{ httpStatus: 204, error: null, response: '', durationMs: Number }] })
    t.match((await call('GET', `${at}/deliveries?limit=1`)).headers['link'], /rel="next"/)
    t.same((await call('GET', `${at}/deliveries?status=dead`)).body, [])
    t.equal((await call('GET', `${at}/deliveries?status=other`)).status, 400)
  })

  await t.test('as a test, whatever the webhook wants, and with both secrets after a change', async t => {
    const receiver = await startReceiver(t)
    const { secret, at, id } = await makeWebhook(call, { url: receiver.url, types: ['nothing.'] })
    const { body: { secret: fresh } } = await call('POST', `${at}/rotate-secret`)
    const { status, headers, body: delivery } = await call('POST', `${at}/test`)
    t.equal(status, 201)
    t.match(delivery, { status: 'pending', type: 'webhook.ping', eventId: null, attempts: [] })
    t.equal((await call('GET', String(headers['location']))).body.id, delivery.id)
    await eventually(() => receiver.received.length === 1, 'the test')
    const [{ body, headers: signed, message } = { body: '', headers: {}, message: null }] = receiver.received
    t.match(message, { type: 'webhook.ping', entityType: 'webhook', entityId: id, data: {} })
    for (const one of [secret, fresh]) t.doesNotThrow(() => new Webhook(one).verify(body, signed as Record<string, string>))
  })

  // Their tries take seconds, so all of them are under way at once.
  const redirectedTo = await startReceiver(t)
  const [hangs, quick, fails, redirects] = [
    await startReceiver(t, () => {}), await startReceiver(t), await startReceiver(t),
    await startReceiver(t, response => response.writeHead(307, { location: redirectedTo.url }).end())
  ]
  fails.answer = response => response.writeHead(fails.received.length < 3 ? 500 : 200).end('a'.repeat(100_000))
  const refusingPort = await freePort()
  const only = { types: ['issue.'] }
  const hanging = await makeWebhook(call, { ...only, url: hangs.url })
  const failing = await makeWebhook(call, { ...only, url: fails.url })
  const redirecting = await makeWebhook(call, { ...only, url: redirects.url })
  const refusing = await makeWebhook(call, { ...only, url: `http://127.0.0.1:${refusingPort}/` })
  const issuesAt = `/api/companies/${companyId}/issues`
  await call('POST', issuesAt, { title: 'Make the greeting friendlier', status: 'todo' })

  await t.test('to others while one hangs', async t => {
    await makeWebhook(call, { ...only, url: quick.url })
    for (let n = 0; n < 12; n++) await call('POST', issuesAt, { title: 'One more', status: 'todo' })
    await eventually(() => quick.received.length >= 12, 'all messages of the quick one')
    t.ok(hangs.received.length < 30, `of the one that hangs a few at a time: ${hangs.received.length} of 39 tries`)
    const given = await deliveryWith(call, hanging.at, 'dead')
    t.match(given, { attemptCount: 3, attempts: [{ httpStatus: null, error: 'There was no answer within 1 s.' }, {}, {}] })
  })

  await t.test('again after a 500, with the same id', async t => {
    const delivery = await deliveryWith(call, failing.at, 'delivered')
    await eventually(async () => (await call('GET', `${failing.at}/deliveries?status=pending`)).body.length === 0, 'the rest')
    const { body: all } = await call('GET', `${failing.at}/deliveries`)
    const again = all.find(({ attemptCount }: { attemptCount: number }) => attemptCount > 1)
    const { body: { attempts } } = await call('GET', `${failing.at}/deliveries/${again.id}`)
    t.match(attempts[0], { httpStatus: 500, error: 'The receiver answered 500.' })
    t.equal(attempts[0].response.length, 1000, 'of a long answer the beginning is kept')
    t.match(attempts.at(-1), { httpStatus: 200, error: null })
    const tries = fails.received.filter(({ headers }) => headers['webhook-id'] === again.id)
    t.equal(tries.length, attempts.length)
    t.equal(new Set(tries.map(({ body }) => body)).size, 1)
    t.equal(delivery.status, 'delivered')
  })

  await t.test('not where a redirect leads', async t => {
    const delivery = await deliveryWith(call, redirecting.at, 'dead')
    t.match(delivery.lastAttempt, { httpStatus: 307, error: 'The receiver answered 307; redirects are not followed.' })
    t.same(redirectedTo.received, [])
  })

  await t.test('until it is given up, and by hand again when the receiver is back', async t => {
    const { at } = refusing
    const dead = await deliveryWith(call, at, 'dead')
    t.match(dead, { attemptCount: 3, nextAttemptAt: null, lastAttempt: { httpStatus: null, error: /^The connection failed: ECONNREFUSED/ } })
    const receiver = await startReceiver(t, undefined, refusingPort)
    const again = await call('POST', `${at}/deliveries/${dead.id}/redeliver`)
    t.equal(again.status, 202)
    t.match(again.body, { id: dead.id, status: 'pending', attemptCount: 0, finishedAt: null })
    await eventually(() => receiver.received.some(({ headers }) => headers['webhook-id'] === dead.id), 'what was given up')
    await eventually(async () => (await call('GET', `${at}/deliveries/${dead.id}`)).body.status === 'delivered', 'its end')
    t.match((await call('GET', `${at}/deliveries/${dead.id}`)).body, { attemptCount: 1, attempts: { length: 4 } })
    t.match((await call('GET', `/api/companies/${companyId}/activity?action=webhook.redelivered`)).body, [{ details: { deliveryId: dead.id } }])
  })

  await t.test('never again to one that says it is gone', async t => {
    const receiver = await startReceiver(t, response => response.writeHead(410).end())
    const { at, id } = await makeWebhook(call, { url: receiver.url })
    await happen(call, agentId(500))
    await deliveryWith(call, at, 'dead')
    t.match((await call('GET', at)).body, { enabled: false, disabledReason: /410/ })
    t.match((await call('GET', `/api/companies/${companyId}/activity?action=webhook.disabled`)).body, [{ actorType: 'system', entityId: id }])
    receiver.answer = response => response.writeHead(200).end()
    await happen(call, agentId(501))
    t.match((await call('PATCH', at, { enabled: true })).body, { enabled: true, disabledReason: null })
    await happen(call, agentId(502))
    const received = () => receiver.received.map(({ message }) => message.entityId)
    await eventually(() => received().includes(agentId(502)), 'what happens from then on')
    t.same(received(), [agentId(500), agentId(502)], 'nor what happened meanwhile')
  })

  await t.test('and what was under way when the service ended, by the next one', async t => {
    const receiver = await startReceiver(t, () => {})
    const { at } = await makeWebhook(call, { url: receiver.url })
    await happen(call, agentId(600))
    await eventually(() => receiver.received.length === 1, 'an attempt')
    await app.close()
    receiver.answer = response => response.writeHead(200).end()
    const next = await appOn(t, testDatabase)
    await next.app.listen({ port: 0, host: '127.0.0.1' })
    const delivery = await deliveryWith(next.call, at, 'delivered')
    t.match(delivery, { attemptCount: 1, attempts: { length: 1 } }, 'an attempt that was cut off counts for nothing')
    t.same(receiver.received.map(({ headers }) => headers['webhook-id']), [delivery.id, delivery.id])
  })
})
