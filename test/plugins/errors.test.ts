/** What bad requests get: a problem document that says where and what, never a 5xx, and nothing changed. */
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { problemDocument, toProblem } from '../../plugins/errors.ts'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { NotFound } from '../../services/errors.ts'
import { buildTestApp, type Answer } from '../fixtures/app.ts'
import { onBothDatabases } from '../fixtures/database.ts'

const company = `/api/companies/${ids.company}`

/** The members every problem has, and no message from inside. */
function isProblem (t: Test, answer: Answer, status: number, code: string): void {
  t.equal(answer.status, status, answer.text)
  t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.match(answer.body, { type: `urn:berth:problem:${code}`, title: String, status, detail: /./, instance: /^\//, code, requestId: /./ })
  t.equal(answer.body.error, answer.body.detail)
}

t.test('bad requests', async t => {
  const { app, call } = await buildTestApp(t, { config: { bodyLimitBytes: 100_000 } })
  await call('PUT', company, { name: 'Example Company' })

  t.test('a path nobody serves is a 404, a known path with another method a 405 that names the others', async t => {
    isProblem(t, await call('GET', '/api/nothing?a=b'), 404, 'route_not_found')
    const answer = await call('POST', company, {})
    isProblem(t, answer, 405, 'method_not_allowed')
    t.equal(answer.headers['allow'], 'DELETE, GET, HEAD, PUT')
  })

  t.test('the instance is the path without the query', async t => {
    t.equal((await call('GET', '/api/nothing?token=secret')).body.instance, '/api/nothing')
  })

  t.test('a malformed id is a 400 that points at it', async t => {
    for (const id of ['x', '11111111-1111-4111-8111-11111111111', `${ids.company}0`, 'g'.repeat(1500), '%00', "'; drop table companies --"]) {
      const answer = await call('GET', `/api/companies/${encodeURIComponent(id)}`)
      isProblem(t, answer, 400, 'invalid_input')
      t.match(answer.body.errors, [{ pointer: '#/params/companyId', message: /./ }])
    }
    isProblem(t, await call('GET', '/api/companies/%zz'), 400, 'bad_request')
    isProblem(t, await call('GET', `/api/companies/${'a'.repeat(3000)}`), 414, 'uri_too_long')
  })

  t.test('unknown, repeated and wrong query parameters are a 400', async t => {
    const cases: [string, string][] = [
      ['/api/companies?color=red', '#/query/color'],
      [`${company}?color=red`, '#/query/color'],
      ['/api/companies?limit=1&limit=2', '#/query/limit'],
      ['/api/companies?limit=0', '#/query/limit'],
      ['/api/companies?limit=501', '#/query/limit'],
      ['/api/companies?limit=ten', '#/query/limit'],
      ['/api/companies?limit=', '#/query/limit'],
      ['/api/companies?cursor=%00', '#/query/cursor']
    ]
    for (const [url, pointer] of cases) {
      const answer = await call('GET', url)
      isProblem(t, answer, 400, 'invalid_input')
      t.match(answer.body.errors, [{ pointer }], url)
    }
    isProblem(t, await call('GET', '/api/companies?cursor=nonsense'), 400, 'invalid_cursor')
    for (const parts of [['x', 'y'], ['2026-01-31T12:00:00.000Z', 'y'], ['2026-99-31T12:00:00.000Z', ids.company], [1, 2], ['-000001-01-01T00:00:00Z', ids.company]]) {
      isProblem(t, await call('GET', `/api/companies?cursor=${Buffer.from(JSON.stringify(parts)).toString('base64url')}`), 400, 'invalid_cursor')
    }
  })

  t.test('text that no database can hold is a 400, in values and in keys', async t => {
    for (const [body, pointer] of [
      ['{"name": "a\\u0000b"}', '/name'],
      ['{"name": "half \\ud800 pair"}', '/name'],
      ['{"name": "half \\udc00 pair"}', '/name']
    ] as const) {
      const answer = await call('PUT', company, body)
      isProblem(t, answer, 400, 'invalid_input')
      t.match(answer.body.errors, [{ pointer }])
    }
    const project = `${company}/projects/${ids.project}/workspaces/${ids.projectWorkspace}`
    const answer = await call('PUT', project, '{"name": "a", "metadata": {"deep": [{"a\\u0000": 1}]}}')
    isProblem(t, answer, 400, 'invalid_input')
    t.match(answer.body.errors, [{ pointer: '/metadata/deep/0' }])
    t.equal((await call('PUT', company, { name: 'Пример 🚢 whole pair' })).status, 200, 'whole pairs are fine')
    await call('PUT', company, { name: 'Example Company' })
  })

  t.test('nesting without end is a 400', async t => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    isProblem(t, await call('PUT', company, `{"name": ${deep}}`), 400, 'invalid_input')
    isProblem(t, await call('PUT', company, deep), 400, 'invalid_input')
    isProblem(t, await call('PUT', company, '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)), 400, 'invalid_input')
  })

  t.test('what is not JSON, or not an object, is a 400', async t => {
    for (const body of ['{', 'x', '{"name": "a"', '{"name": "a",}', '{"__proto__": {"a": 1}}', '{"constructor": {"prototype": {}}}']) {
      isProblem(t, await call('PUT', company, body), 400, 'bad_request')
    }
    for (const body of ['null', '[]', '"a"', '1', 'true']) isProblem(t, await call('PUT', company, body), 400, 'invalid_input')
  })

  t.test('every invalid field is named, once', async t => {
    const answer = await call('PUT', `${company}/issues/${ids.issue}`, { status: 'asleep', projectId: 'x', colour: 'red', hiddenAt: 'tomorrow' })
    isProblem(t, answer, 400, 'invalid_input')
    t.same(answer.body.errors.map((place: { pointer: string }) => place.pointer).sort(), ['/colour', '/hiddenAt', '/projectId', '/status', '/title'])
    t.match(answer.body.errors.find((place: { pointer: string }) => place.pointer === '/status'), { message: /backlog, todo/ })
  })

  t.test('an empty body counts as {} and is told what is missing', async t => {
    const answer = await call('PUT', company)
    isProblem(t, answer, 400, 'invalid_input')
    t.same(answer.body.errors, [{ pointer: '/name', message: 'is missing' }])
    t.same((await call('PUT', company, '', { headers: { 'content-type': 'application/json' } })).body.errors, answer.body.errors)
  })

  t.test('a name over 200 characters is a 400, one of 200 is taken', async t => {
    isProblem(t, await call('PUT', company, { name: 'a'.repeat(201) }), 400, 'invalid_input')
    isProblem(t, await call('PUT', company, { name: '' }), 400, 'invalid_input')
    t.equal((await call('PUT', company, { name: 'a'.repeat(200) })).status, 200)
  })

  t.test('numbers are not taken for text, nor text for numbers', async t => {
    isProblem(t, await call('PUT', company, { name: 5 }), 400, 'invalid_input')
  })

  t.test('times that no database can hold are a 400', async t => {
    for (const hiddenAt of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '2026-02-31T00:00:00Z', '2026-01-01T24:00:00Z', '2016-12-31T23:59:60Z', '2026-01-01', 'now']) {
      isProblem(t, await call('PUT', `${company}/issues/${ids.issue}`, { title: 'a', hiddenAt }), 400, 'invalid_input')
    }
  })

  t.test('a body over the limit is a 413, one that is not JSON a 415', async t => {
    isProblem(t, await call('PUT', company, { name: 'a'.repeat(100_000) }), 413, 'payload_too_large')
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=a', 'application/x-www-form-urlencoded']) {
      isProblem(t, await call('PUT', company, 'name=a', { headers: { 'content-type': type } }), 415, 'unsupported_media_type')
    }
  })

  t.test('what HTTP itself does not allow gets a problem too', async t => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as { port: number }
    const raw = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n'))
      let text = ''
      socket.on('data', chunk => { text += String(chunk) }).on('end', () => resolve(text)).on('error', reject)
    })
    t.match(raw, /^HTTP\/1\.1 400 [^\r]*\r\n/)
    t.match(raw, /application\/problem\+json[^]*"code":"bad_request"/)
    const status = await new Promise((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path: '/healthz', headers: { 'x-large': 'a'.repeat(20_000) } }, response => resolve(response.statusCode)).on('error', reject).end()
    })
    t.equal(status, 431)
  })

  t.test('nothing was changed by all this', async t => {
    t.equal((await call('GET', '/api/companies')).body.length, 1)
    t.same((await call('GET', `${company}/issues`)).body, [])
    t.same((await call('GET', `${company}/projects`)).body, [])
  })
})

t.test('an error nobody foresaw is a 500 without its message', async t => {
  const problem = toProblem(new Error('relation "secret" does not exist'))
  t.match(problem, { statusCode: 500, code: 'internal_error' })
  t.notMatch(problem.detail, /secret/)
})

await onBothDatabases(t, 'a database whose disk is full is a 503 that says so, and what is there can be read', async (t, { db, database }) => {
  const { call } = await buildTestApp(t, { database })
  const path = `/api/companies/${randomUUID()}`
  t.equal((await call('PUT', path, { name: 'Before' })).status, 201)
  await sql`create function full_disk () returns trigger language plpgsql as $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`.execute(db)
  await sql`create trigger full_disk before insert or update on companies for each row execute function full_disk()`.execute(db)
  t.match(await call('PUT', path, { name: 'After' }), { status: 503, headers: { 'retry-after': '60' }, body: { code: 'unavailable', detail: /disk of the database is full/ } })
  t.match(await call('GET', path), { status: 200, body: { name: 'Before' } })
})

t.test('a lost database is a 503 with Retry-After', async t => {
  const problem = toProblem(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))
  t.match(problem, { statusCode: 503, code: 'unavailable', headers: { 'retry-after': '2' } })
})

t.test('a full disk, and no file that can be opened, are a 503 that says so', t => {
  for (const [code, says] of [['ENOSPC', /disk is full/], ['EDQUOT', /disk is full/], ['EMFILE', /files open/], ['ENFILE', /files open/]] as const) {
    t.match(toProblem(Object.assign(new Error(`${code}: open '/secret/place'`), { code })), { code: 'unavailable', statusCode: 503, detail: says, headers: { 'retry-after': /\d/ } }, code)
  }
  t.equal(toProblem(Object.assign(new Error('x'), { code: 'toString' })).statusCode, 500)
  t.end()
})

t.test('members of a problem stand beside the standard ones', async t => {
  const problem = new NotFound('Gone.', { members: { operationId: ids.operation } })
  t.match(problemDocument(toProblem(problem), { url: '/a?b', id: 'r' } as never), { code: 'not_found', instance: '/a', operationId: ids.operation, requestId: 'r' })
  const presumptuous = new NotFound('Gone.', { members: { status: 'succeeded', code: 'mine' } })
  t.match(problemDocument(toProblem(presumptuous), { url: '/a', id: 'r' } as never), { status: 404, code: 'not_found' }, 'and never in their place')
})
