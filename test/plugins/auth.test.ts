/** Who is asking: mode local's guards against web pages of another origin, and mode token's credentials. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { buildApp } from '../../app.ts'
import { refuseForeign } from '../../plugins/auth.ts'
import { configWith, loadConfig, type Config } from '../../plugins/config.ts'
import { signIdentity } from '../../services/access/gateway-identity.ts'
import { buildTestApp, nobody } from '../fixtures/app.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

t.test('only a loopback Host is answered', async t => {
  for (const host of ['127.0.0.1:4180', '127.0.0.1', 'localhost', 'LOCALHOST:80', '[::1]:4180', '127.1.2.3']) {
    t.doesNotThrow(() => refuseForeign({ host }, null), host)
  }
  for (const host of ['', 'example.org', 'example.org:4180', 'localhost.example.org', '127.0.0.1.example.org', '0.0.0.0', '10.0.0.1', '::1', 'localhost:', 'localhost:1:2', '[::1', 'a@localhost']) {
    t.throws(() => refuseForeign({ host }, null), { code: 'foreign_origin', statusCode: 403 }, host)
  }
})

t.test('only the own origin is answered; a dev server on another loopback port is foreign', async t => {
  const host = '127.0.0.1:4180'
  t.doesNotThrow(() => refuseForeign({ host, origin: 'http://127.0.0.1:4180' }, null))
  t.doesNotThrow(() => refuseForeign({ host, origin: 'https://berth.example.org' }, 'https://berth.example.org'), 'the public URL is the own origin too')
  for (const origin of ['http://127.0.0.1:3000', 'http://localhost:4180', 'https://127.0.0.1:4180', 'null', 'http://example.org', '']) {
    t.throws(() => refuseForeign({ host, origin }, null), { code: 'foreign_origin' }, origin)
  }
})

t.test('a cross-site request is refused, a same-origin one and one of no browser are not', async t => {
  const host = 'localhost:4180'
  t.throws(() => refuseForeign({ host, 'sec-fetch-site': 'cross-site' }, null), { code: 'foreign_origin' })
  t.throws(() => refuseForeign({ host, 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'image' }, null), { code: 'foreign_origin' }, 'an image on a page of a dev server')
  t.doesNotThrow(() => refuseForeign({ host, 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'document' }, null), 'a link on it')
  for (const site of ['same-origin', 'none']) t.doesNotThrow(() => refuseForeign({ host, 'sec-fetch-site': site }, null))
})

t.test('without credentials the actor of mode local is an instance admin', async t => {
  const { database } = await openTestDatabase(t, 'pglite')
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent' }), { database })
  t.teardown(() => app.close())
  app.get('/who', async request => request.actor)
  t.match((await app.inject('/who')).json(), { type: 'board', instanceAdmin: true })
  t.match((await app.inject({ url: '/who', headers: { 'x-test-actor': '{"type":"none"}' } })).json(), { type: 'board' }, 'the header of the tests means nothing to the app itself')

  for (const url of ['/healthz', '/docs', '/openapi.json', '/api/companies', '/nothing']) {
    const response = await app.inject({ url, headers: { host: 'evil.example.org' } })
    t.equal(response.statusCode, 403, url)
    t.equal(response.json().code, 'foreign_origin')
  }
  const post = await app.inject({ method: 'POST', url: '/api/companies', headers: { origin: 'http://evil.example.org' }, payload: { name: 'Evil' } })
  t.equal(post.statusCode, 403)
  t.same((await app.inject('/api/companies')).json(), [], 'nothing was changed')
})

t.test('where somebody is needed nobody gets a 401 with WWW-Authenticate', async t => {
  const { call } = await buildTestApp(t)
  const answer = await call('GET', '/api/companies', undefined, { actor: nobody })
  t.equal(answer.status, 401)
  t.match(answer.headers['www-authenticate'], /^Bearer/)
  t.equal(answer.body.code, 'unauthenticated')
})

const companyId = '11111111-1111-4111-8111-111111111111'
const agentId = '55555555-5555-4555-8555-555555555555'
const runId = '99999999-9999-4999-8999-999999999999'
const secretText = 'a secret of at least thirty-two bytes'
const gatewaySecret = 'another secret of thirty-two bytes or more'
const admin = { actor: 'board', instanceAdmin: true }
const agent = { actor: 'agent', companyId }

async function bearer (berth: object, sub = 'ada'): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await new SignJWT({ berth }).setSubject(sub).setExpirationTime('1 min').setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secretText))}` }
}

/** The app as it is started, without the tests' own way of saying who asks. */
async function realApp (t: Test, config: Partial<Config>): Promise<FastifyInstance> {
  const { database } = await openTestDatabase(t, 'pglite')
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent', ...config }), { database })
  t.teardown(() => app.close())
  app.get('/who', async request => request.actor)
  return app
}

const invalid = /^Bearer realm="berth", error="invalid_token", error_description="[^"]+"$/

t.test('mode token', async t => {
  const app = await realApp(t, {
    ...loadConfig({ BERTH_AUTH_MODE: 'token', BERTH_JWT_SECRET: secretText, BERTH_GATEWAY_SECRET: gatewaySecret, BERTH_GATEWAY_ADDRESSES: '10.0.0.7,192.168.1.0/24,fd00::/8' }),
    dataDir: await temporaryFolder(t),
    logLevel: 'silent'
  })
  const who = async (headers: Record<string, string>, others: Partial<InjectOptions> = {}) => await app.inject({ url: '/who', headers, ...others } as InjectOptions)
  await app.inject({ method: 'PUT', url: `/api/companies/${companyId}`, headers: await bearer(admin), payload: { name: 'Example Company' } })

  await t.test('nobody gets in without a credential, whatever the request', async t => {
    for (const [method, url] of [['GET', '/api/companies'], ['POST', '/api/companies'], ['GET', '/api/execution-workspaces/nonsense'], ['GET', `/api/companies/${companyId}/events`]] as const) {
      const answer = await app.inject({ method, url, headers: { 'content-type': 'application/json', authorization: 'Basic YTpi' }, ...(method === 'POST' ? { payload: '{' } : {}) })
      t.match(answer, { statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="berth"', 'content-type': 'application/problem+json; charset=utf-8' } }, url)
      t.equal(answer.json().code, 'unauthenticated')
    }
  })

  await t.test('health, the document and the docs are open, and paths that do not exist are a 404', async t => {
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      for (const url of ['/healthz', '/metrics', '/openapi.json', '/docs', '/docs/json']) t.match(await app.inject({ url, headers }), { statusCode: 200 }, url)
      t.match((await app.inject({ url: '/readyz', headers })).json(), { status: String, database: { ok: true } })
      t.match(await app.inject({ url: '/api/nothing', headers }), { statusCode: 404 })
    }
  })

  await t.test('a token that does not hold is a 401 that says why', async t => {
    for (const authorization of ['Bearer nonsense', 'bearer a.b.c', 'Bearer', 'Bearer ', 'Bearer a b', `${(await bearer(admin)).authorization}x`, `Bearer berth_${'0'.repeat(36)}`]) {
      const answer = await app.inject({ url: '/api/companies', headers: { authorization } })
      t.equal(answer.statusCode, 401, authorization)
      t.match(answer.headers['www-authenticate'], invalid)
    }
  })

  await t.test('one that holds is who it says', async t => {
    t.match((await who(await bearer(admin))).json(), { type: 'board', userId: 'ada', instanceAdmin: true })
    t.match((await app.inject({ url: '/api/companies', headers: await bearer(admin) })).json(), [{ id: companyId }])
    t.match((await who({ authorization: (await bearer(admin)).authorization.replace('Bearer', 'BEARER  ') })).json(), { userId: 'ada' })
    t.equal((await app.inject({ url: '/api/companies', headers: { ...await bearer(admin), host: 'berth.example.org', origin: 'http://elsewhere.example.org' } })).statusCode, 200, 'whatever page it comes from')
  })

  await t.test('an agent says for which run it works', async t => {
    t.match((await who(await bearer(agent, agentId))).json(), { type: 'agent', agentId, companyId, runId: null })
    t.match((await who({ ...await bearer(agent, agentId), 'x-run-id': runId.toUpperCase() })).json(), { runId })
    t.match((await who(await bearer({ ...agent, runId }, agentId))).json(), { runId })
    t.match((await who({ ...await bearer({ ...agent, runId }, agentId), 'x-run-id': runId })).json(), { runId })
    t.match((await who({ ...await bearer({ ...agent, runId }, agentId), 'x-run-id': agentId })).json(), { status: 403 }, 'a token of one run is good for no other')
    t.match((await who({ ...await bearer(agent, agentId), 'x-run-id': 'mine' })).json(), { status: 400, errors: [{ pointer: '#/headers/x-run-id' }] })
    t.match((await who({ ...await bearer(admin), 'x-run-id': 'mine' })).json(), { userId: 'ada' }, 'of a person it says nothing')
  })

  await t.test('an agent that was terminated may do nothing any more', async t => {
    const put = async (status: string) => await app.inject({ method: 'PUT', url: `/api/companies/${companyId}/agents/${agentId}`, headers: await bearer(admin), payload: { name: 'Ada', role: 'ceo', status } })
    await put('active')
    t.equal((await app.inject({ url: `/api/companies/${companyId}`, headers: await bearer(agent, agentId) })).statusCode, 200)
    await put('terminated')
    t.match((await app.inject({ url: `/api/companies/${companyId}`, headers: await bearer(agent, agentId) })).json(), { status: 403, code: 'forbidden' })
  })

  await t.test('a gateway says who is asking, signed and from its address alone', async t => {
    const identity = (claims: object, { at = Math.floor(Date.now() / 1000), method = 'GET', url = '/who', secret = gatewaySecret } = {}) => {
      const text = Buffer.from(JSON.stringify(claims)).toString('base64url')
      return { 'x-berth-identity': `t=${at},c=${text},s=${signIdentity(Buffer.from(secret), { at, method, url, claims: text })}` }
    }
    const claims = { sub: 'grace', berth: admin }
    for (const remoteAddress of ['10.0.0.7', '::ffff:10.0.0.7', '192.168.1.200', 'fd00::1']) t.match((await who(identity(claims), { remoteAddress })).json(), { userId: 'grace', instanceAdmin: true }, remoteAddress)
    t.match((await who({ ...identity(claims), authorization: 'Bearer of the gateway itself' }, { remoteAddress: '10.0.0.7' })).json(), { userId: 'grace' })
    t.match((await who({ ...identity({ sub: agentId.replace('5', '6'), berth: agent }), 'x-run-id': runId }, { remoteAddress: '10.0.0.7' })).json(), { type: 'agent', runId })
    const now = Math.floor(Date.now() / 1000)
    const wrong: [string, Record<string, string>, string][] = [
      ['another address', identity(claims), '10.0.0.8'], ['an address that is only claimed', { ...identity(claims), 'x-forwarded-for': '10.0.0.7' }, '127.0.0.1'],
      ['another secret', identity(claims, { secret: secretText }), '10.0.0.7'], ['another method', identity(claims, { method: 'POST' }), '10.0.0.7'],
      ['another URL', identity(claims, { url: '/who?x=1' }), '10.0.0.7'], ['an old one', identity(claims, { at: now - 62 }), '10.0.0.7'], ['one of the future', identity(claims, { at: now + 300 }), '10.0.0.7'],
      ['claims that name nobody', identity({ sub: 'grace' }), '10.0.0.7'], ['an array', identity([]), '10.0.0.7'], ['nonsense', { 'x-berth-identity': 'grace' }, '10.0.0.7'], ['nothing', { 'x-berth-identity': '' }, '10.0.0.7']
    ]
    for (const [name, headers, remoteAddress] of wrong) {
      const answer = await who({ ...headers, ...await bearer(admin) }, { remoteAddress })
      t.equal(answer.statusCode, 401, name)
      t.match(answer.headers['www-authenticate'], invalid)
    }
    t.match((await who({ ...identity(null as unknown as object) }, { remoteAddress: '10.0.0.7' })).statusCode, 401)
  })
})

t.test('without a key for tokens only API keys are taken, and no gateway is believed', async t => {
  const app = await realApp(t, { authMode: 'token' })
  const answer = await app.inject({ url: '/api/companies', headers: await bearer(admin) })
  t.match(answer, { statusCode: 401, headers: { 'www-authenticate': /Only API keys/ } })
  t.match(await app.inject({ url: '/api/companies', headers: { 'x-berth-identity': 'x' } }), { statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="berth"' } })
})

t.test('in mode local a credential counts where it is one of this service, and others are nothing to it', async t => {
  const plain = await realApp(t, {})
  for (const authorization of ['Bearer of another system', 'Basic YTpi', (await bearer(agent, agentId)).authorization]) t.match((await plain.inject({ url: '/who', headers: { authorization } })).json(), { userId: 'local' })
  t.equal((await plain.inject({ url: '/who', headers: { authorization: `Bearer berth_${'0'.repeat(36)}` } })).statusCode, 401)
  const checking = await realApp(t, { jwt: loadConfig({ BERTH_JWT_SECRET: secretText }).jwt })
  t.match((await checking.inject('/who')).json(), { userId: 'local' })
  t.match((await checking.inject({ url: '/who', headers: await bearer(agent, agentId) })).json(), { type: 'agent', agentId })
  t.equal((await checking.inject({ url: '/who', headers: { authorization: 'Bearer nonsense' } })).statusCode, 401)
})
