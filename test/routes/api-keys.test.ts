/** API keys: made by admins alone and never above their own rights, shown once, good at once, revoked at once, also for what is open. */
import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { buildApp } from '../../app.ts'
import { configWith } from '../../plugins/config.ts'
import { isKeyText } from '../../services/access/api-key-text.ts'
import { agentOf, buildTestApp, nobody, person, type TestApp } from '../fixtures/app.ts'
import { onBothDatabases, type TestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { openStream } from '../fixtures/sse.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const companyId = '11111111-1111-4111-8111-111111111111'
const otherId = '22222222-2222-4222-8222-222222222222'
const agentId = '55555555-5555-4555-8555-555555555555'
const runId = '99999999-9999-4999-8999-999999999999'
const at = `/api/companies/${companyId}/keys`
const ofAgent = { name: 'The agent\'s own', actorType: 'agent', agentId }
const ofPerson = (role: string) => ({ name: `A ${role}`, actorType: 'board', userId: 'ada', role })

/** An app that trusts the tests' header, to make keys with. */
async function makingApp (t: Test, { database }: TestDatabase, onLog?: (line: object) => void): Promise<TestApp> {
  const made = await buildTestApp(t, { database, ...(onLog === undefined ? {} : { onLog }) })
  for (const id of [companyId, otherId]) await made.call('PUT', `/api/companies/${id}`, { name: 'Example Company' })
  await made.call('PUT', `/api/companies/${companyId}/agents/${agentId}`, { name: 'Grace', role: 'engineer' })
  return made
}

/** A second process on the same database, in mode token, as clients meet it. */
async function tokenApp (t: Test, { database }: TestDatabase) {
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent', authMode: 'token' }), { database })
  t.teardown(() => app.close())
  await app.ready()
  const call = async (key: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object, headers: Record<string, string> = {}) =>
    // From somewhere else each time: an address that fails again and again is made to wait.
    await app.inject({ method, url, remoteAddress: `10.0.${randomInt(256)}.${randomInt(256)}`, headers: { authorization: `Bearer ${key}`, ...headers }, ...(payload === undefined ? {} : { payload }) })
  return { app, call }
}

await onBothDatabases(t, 'keys are made, shown, and revoked', async (t, testDatabase) => {
  const lines: object[] = []
  const { call, database: { db } } = await makingApp(t, testDatabase, line => lines.push(line))
  const texts: string[] = []

  await t.test('shown by the answer that made them alone', async t => {
    for (const body of [ofAgent, { ...ofPerson('viewer'), expiresAt: '2999-01-01T00:00:00.000Z' }]) {
      const { status, headers, body: { key, ...shown } } = await call('POST', at, body)
      t.equal(status, 201)
      t.equal(headers['location'], `${at}/${shown.id}`)
      t.equal(headers['cache-control'], 'no-store')
      t.ok(isKeyText(key))
      t.match(shown, { ...body, companyId, prefix: key.slice(0, 12), createdBy: 'local', lastUsedAt: null, revokedAt: null })
      t.same((await call('GET', `${at}/${shown.id}`)).body, shown)
      texts.push(key)
    }
    t.same((await call('GET', `${at}?limit=1`)).body.map(({ role }: { role: string }) => role), ['viewer'])
    t.match((await call('GET', `${at}?limit=1`)).headers['link'], /rel="next"/)
  })

  await t.test('also when the request is repeated', async t => {
    const once = async () => await call('POST', at, ofAgent, { headers: { 'idempotency-key': 'one' } })
    const [first, again] = [await once(), await once()]
    t.match(again, { status: 201, headers: { 'idempotency-replayed': 'true' }, body: { id: first.body.id, key: null } })
    texts.push(first.body.key)
  })

  await t.test('nowhere else is there anything of them but their digests', async t => {
    const tables = ['api_keys', 'idempotency_keys', 'activity_log', 'company_events']
    const kept = [JSON.stringify(lines)]
    for (const table of tables) kept.push(...(await sql<{ text: string }>`select row_to_json(r)::text as text from ${sql.table(table)} r`.execute(db)).rows.map(({ text }) => text))
    t.equal(texts.length, 3)
    for (const text of texts) t.notOk(kept.some(one => one.includes(text.slice(12))))
  })

  await t.test('not with what does not fit together', async t => {
    const wrong: [object, number, string | undefined][] = [
      [{ name: 'x', actorType: 'agent' }, 400, '/agentId'], [{ ...ofAgent, role: 'owner' }, 400, '/role'], [{ ...ofAgent, userId: 'ada' }, 400, '/userId'],
      [{ name: 'x', actorType: 'board', userId: 'ada' }, 400, '/role'], [{ ...ofPerson('member'), agentId }, 400, '/agentId'],
      [ofPerson('god'), 400, '/role'], [{ ...ofPerson('member'), instanceAdmin: true }, 400, '/instanceAdmin'], [{ ...ofPerson('member'), userId: 'a\u0007' }, 400, '/userId'], [{ ...ofAgent, name: '' }, 400, '/name'],
      [{ ...ofAgent, agentId: otherId }, 422, '/agentId'], [{ ...ofAgent, expiresAt: '2001-01-01T00:00:00.000Z' }, 422, '/expiresAt'], [{ ...ofAgent, expiresAt: 'soon' }, 400, '/expiresAt']
    ]
    for (const [body, status, pointer] of wrong) t.match((await call('POST', at, body)).body, { status, errors: [{ pointer }] }, JSON.stringify(body))
    t.equal((await call('POST', at.replace(companyId, runId), ofAgent)).status, 404)
  })

  await t.test('by admins of the company alone, never above their own rights', async t => {
    const [{ id }] = (await call('GET', at)).body
    for (const [method, path, body] of [['GET', at], ['GET', `${at}/${id}`], ['POST', at, ofAgent], ['DELETE', `${at}/${id}`]] as const) {
      for (const actor of [person(companyId, 'member'), person(companyId, 'viewer'), person(companyId, 'owner', 'suspended'), agentOf(companyId, agentId), person(otherId, 'owner')]) t.equal((await call(method, path, body, { actor })).status, 403, `${method} ${path}`)
      t.equal((await call(method, path, body, { actor: nobody })).status, 401)
    }
    t.equal((await call('POST', at, ofPerson('owner'), { actor: person(companyId, 'admin') })).status, 403)
    for (const role of ['admin', 'member', 'viewer']) t.equal((await call('POST', at, ofPerson(role), { actor: person(companyId, 'admin') })).status, 201)
    t.equal((await call('POST', at, ofAgent, { actor: person(companyId, 'admin') })).status, 201)
    t.match(await call('POST', at, ofPerson('owner'), { actor: person(companyId, 'owner') }), { status: 201, body: { createdBy: 'a-owner' } })
    for (const path of [`${at.replace(companyId, otherId)}/${id}`, `${at}/${otherId}`]) for (const method of ['GET', 'DELETE'] as const) t.equal((await call(method, path)).status, 404)
  })

  await t.test('each with its activity', async t => {
    const [{ id, prefix }] = (await call('GET', at)).body
    for (let n = 0; n < 2; n++) t.equal((await call('DELETE', `${at}/${id}`)).status, 204, 'revoking once more changes nothing')
    t.match((await call('GET', `${at}/${id}`)).body, { revokedAt: String })
    const { body } = await call('GET', `/api/companies/${companyId}/activity?action=api_key.&entityId=${id}`)
    t.same(body.map(({ action, details }: { action: string, details: object }) => [action, details]), ['revoked', 'created'].map(what => [`api_key.${what}`, { prefix, actorType: 'board', agentId: null, role: 'owner' }]))
  })
})

await onBothDatabases(t, 'a key lets in', async (t, testDatabase) => {
  const { call: make, database: { db } } = await makingApp(t, testDatabase)
  const { app, call } = await tokenApp(t, testDatabase)
  const newKey = async (body: object): Promise<{ id: string, key: string }> => (await make('POST', at, body)).body
  const refusal = async (key: string) => {
    const { statusCode, headers } = await call(key, 'GET', `/api/companies/${companyId}`)
    return `${statusCode} ${/error_description="(.*)"/.exec(String(headers['www-authenticate']))?.[1] ?? ''}`
  }

  await t.test('who it is for, in its company, with its role', async t => {
    const [agent, admin, viewer] = [await newKey(ofAgent), await newKey(ofPerson('admin')), await newKey(ofPerson('viewer'))]
    for (const { key } of [agent, admin, viewer]) {
      t.equal((await call(key, 'GET', `/api/companies/${companyId}`)).statusCode, 200)
      t.equal((await call(key, 'GET', `/api/companies/${otherId}`)).statusCode, 403)
      t.equal((await call(key, 'POST', '/api/companies', { name: 'Mine' })).statusCode, 403)
    }
    const put = async (key: string) => (await call(key, 'PUT', `/api/companies/${companyId}/issues/${runId}`, { title: 'Greet', status: 'todo' })).statusCode
    t.same([await put(viewer.key), await put(agent.key), await put(admin.key)], [403, 403, 201])
    t.equal((await call(admin.key, 'POST', at, ofPerson('owner'))).statusCode, 403)
    const { body } = await make('GET', `/api/companies/${companyId}/activity?keyId=${admin.id}`)
    t.match(body, [{ action: 'issue.created', actorId: 'ada', keyId: admin.id }], 'and the activity says with which')
    t.equal(body.length, 1)
    const { rows } = await sql<{ key: string | null }>`select data ->> 'keyId' as key from company_events where type = 'issue.created'`.execute(db)
    t.same(rows, [{ key: admin.id }], 'the event too')
  })

  await t.test('noting that it was used, at most once a minute', async t => {
    const { id, key } = await newKey(ofAgent)
    const lastUsed = async () => (await make('GET', `${at}/${id}`)).body.lastUsedAt
    t.equal(await lastUsed(), null)
    await call(key, 'GET', '/api/companies')
    await eventually(async () => await lastUsed() !== null, 'its use')
    const first = await lastUsed()
    await call(key, 'GET', '/api/companies')
    await app.inject('/healthz')
    t.equal(await lastUsed(), first)
  })

  await t.test('until it is revoked, has expired, or its agent is no more', async t => {
    const { key } = await newKey(ofAgent)
    const admin = await newKey(ofPerson('admin'))
    for (let n = 0; n < 20; n++) {
      const { id, key } = await newKey(n % 2 === 0 ? ofAgent : ofPerson('viewer'))
      t.same([await refusal(key), await refusal(key)], ['200 ', '200 '])
      // By another process: on the embedded database it is the same session that tells.
      if (n < 10) await make('DELETE', `${at}/${id}`)
      else await call(admin.key, 'DELETE', `${at}/${id}`)
      if (n < 10 && testDatabase.kind === 'postgres') await eventually(async () => await refusal(key) !== '200 ', 'another host hears of it')
      t.equal(await refusal(key), '401 The API key was revoked.', 'with the very next request')
    }
    await sql`alter table api_keys disable trigger api_key_revoked`.execute(db)
    const [here, elsewhere] = [await newKey(ofAgent), await newKey(ofAgent)]
    for (const one of [here, here, elsewhere]) t.equal(await refusal(one.key), '200 ')
    await call(admin.key, 'DELETE', `${at}/${here.id}`)
    t.equal(await refusal(here.key), '401 The API key was revoked.', 'at once also when nothing tells of it')
    if (testDatabase.kind === 'postgres') {
      t.equal(await refusal(elsewhere.key), '200 ')
      await make('DELETE', `${at}/${elsewhere.id}`)
      await eventually(async () => await refusal(elsewhere.key) === '401 The API key was revoked.', 'another host asks anew after a while')
    }
    await sql`alter table api_keys enable trigger api_key_revoked`.execute(db)
    t.equal(await refusal(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`), '401 The API key is not complete, or mistyped.')
    const short = await newKey({ ...ofPerson('member'), expiresAt: '2999-01-01T00:00:00.000Z' })
    await sql`update api_keys set expires_at = now() where id = ${short.id}`.execute(db)
    t.equal(await refusal(short.key), '401 The API key has expired.')
    const other = await newKey(ofAgent)
    const putAgent = async (status: string) => await make('PUT', `/api/companies/${companyId}/agents/${agentId}`, { name: 'Grace', role: 'engineer', status })
    t.equal(await refusal(other.key), '200 ')
    await putAgent('terminated')
    await eventually(async () => await refusal(other.key) === '403 ', 'it is heard of')
    t.match((await make('POST', at, ofAgent)).body, { status: 422, code: 'invalid_reference' })
    await putAgent('active')
    t.equal(await refusal(other.key), '200 ')
    t.equal((await make('DELETE', `/api/companies/${companyId}/agents/${agentId}`)).status, 204)
    await eventually(async () => await refusal(other.key) === '401 There is no such API key.', 'it is heard of')
    await putAgent('active')
    t.equal(await refusal(other.key), '401 There is no such API key.', 'not for another agent of this id either')
  })

  await t.test('and no stream outlives it', async t => {
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/api/companies/${companyId}/events?from=now`
    const open = async (key: string) => await openStream(t, url, { headers: { authorization: `Bearer ${key}` } })
    const [revoked, stays, deleted] = [await newKey(ofPerson('member')), await newKey(ofPerson('member')), await newKey(ofAgent)]
    const expiring = await newKey(ofPerson('viewer'))
    const streams = [await open(revoked.key), await open(stays.key), await open(deleted.key)]
    t.same(streams.map(({ status }) => status), [200, 200, 200])
    // A busy machine may not open it within a second.
    for (let seconds = 1, status = 401; status === 401 && seconds < 100; seconds *= 2) {
      await sql`update api_keys set expires_at = now() + ${seconds} * interval '1 second' where id = ${expiring.id}`.execute(db)
      const stream = await open(expiring.key)
      status = stream.status
      t.equal(await stream.closed, true, `one that expires (${status})`)
      if (status === 200) t.match(await refusal(expiring.key), '401 The API key has expired.')
    }
    await make('DELETE', `${at}/${revoked.id}`)
    t.equal(await streams[0]?.closed, true, 'one that is revoked')
    await make('PUT', `/api/companies/${companyId}/agents/${agentId}`, { name: 'Grace', role: 'engineer', status: 'terminated' })
    t.equal(await streams[2]?.closed, true, 'one of an agent that is terminated')
    await eventually(async () => (await open(revoked.key)).status === 401, 'it opens no other one')
    await make('PUT', `/api/companies/${companyId}/projects/${runId}`, { name: 'Greeter' })
    t.ok(await streams[1]?.event(({ event }) => event === 'project.created', 'what happens'), 'the others go on')
    streams[1]?.leave()
  })
})
