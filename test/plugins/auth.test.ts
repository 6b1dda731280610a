/** Mode local's guards: only programs of this machine, never a web page of another origin. */
import t from 'tap'
import { buildApp } from '../../app.ts'
import { configWith } from '../../plugins/config.ts'
import { refuseForeign } from '../../plugins/auth.ts'
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
