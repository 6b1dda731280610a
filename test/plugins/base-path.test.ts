/** Behind a gateway: under a path of its own, and with the headers of the proxies that are believed. */
import t from 'tap'
import { buildApp } from '../../app.ts'
import { withoutBasePath } from '../../plugins/base-path.ts'
import { configWith } from '../../plugins/config.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const companyId = '11111111-1111-4111-8111-111111111111'

t.test('the base path is taken off, where it is one', async t => {
  for (const [url, rest] of [['/berth/api/x?y=1', '/api/x?y=1'], ['/berth', '/'], ['/berth/', '/'], ['/berth?x', '/?x'], ['/api/x', '/api/x'], ['/berths/x', '/berths/x'], ['/', '/']] as const) t.equal(withoutBasePath(url, '/berth'), rest)
  t.equal(withoutBasePath('/berth', ''), '/berth')
})

t.test('under a base path', async t => {
  const { call } = await buildTestApp(t, { config: { basePath: '/tools/berth' } })

  await t.test('requests come with it and without it, and links have it', async t => {
    for (const prefix of ['', '/tools/berth']) {
      const put = await call('PUT', `${prefix}/api/companies/${companyId}`, { name: 'Example Company' })
      if (prefix === '') t.match(put, { status: 201, headers: { location: `/tools/berth/api/companies/${companyId}` } })
      const post = async () => await call('POST', `${prefix}/api/companies/${companyId}/issues`, { title: 'Greet', status: 'todo' }, { headers: { 'idempotency-key': `one${prefix}` } })
      const [first, again] = [await post(), await post()]
      t.match(first.headers['location'], /^\/tools\/berth\/api\/companies\/[^/]+\/issues\//)
      t.equal(again.headers['location'], first.headers['location'], 'also of an answer that is given again')
      t.equal((await call('GET', String(first.headers['location']))).body.id, first.body.id)
    }
    const page = await call('GET', `/tools/berth/api/companies/${companyId}/issues?limit=1`)
    const next = /^<(\/tools\/berth\/api\/[^>]+)>; rel="next"$/.exec(String(page.headers['link']))?.[1] ?? ''
    t.equal((await call('GET', next)).body.length, 1)
    t.equal((await call('GET', '/tools/berth/nothing')).status, 404)
  })

  await t.test('the document and its page have it too', async t => {
    t.match((await call('GET', '/tools/berth/openapi.json')).body.servers, [{ url: '/tools/berth' }])
    const page = await call('GET', '/tools/berth/docs')
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '')
    t.ok(files.length >= 5)
    for (const file of files) {
      t.match(file, /^\/tools\/berth\/docs\/static\//)
      t.equal((await call('GET', file)).status, 200, file)
    }
  })
})

t.test('X-Forwarded headers are believed of the proxies that are named, and of nobody else', async t => {
  const { database } = await openTestDatabase(t, 'pglite')
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent', trustProxy: ['10.0.0.7', '192.168.0.0/24'] }), { database })
  t.teardown(() => app.close())
  app.get('/seen', async ({ ip, protocol, host }) => ({ ip, protocol, host }))
  const headers = { host: '127.0.0.1', 'x-forwarded-for': '1.2.3.4, 203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'berth.example.org' }
  const seen: object[] = []
  for (const remoteAddress of ['10.0.0.7', '192.168.0.200', '10.0.0.8']) seen.push((await app.inject({ url: '/seen', headers, remoteAddress })).json())
  const believed = { ip: '203.0.113.9', protocol: 'https', host: 'berth.example.org' }
  t.same(seen, [believed, believed, { ip: '10.0.0.8', protocol: 'http', host: '127.0.0.1' }])
})
