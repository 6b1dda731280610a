/** A table of bad inputs, and every field and id of the document spoilt in turn: each is refused in due form, and nothing changes. */
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { buildTestApp, type Answer, type TestApp } from '../fixtures/app.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { readDocument, type ApiDocument, type Operation, type Schema } from '../fixtures/document.ts'

const company = `/api/companies/${ids.company}`
const project = `${company}/projects/${ids.project}`
const checkout = `${project}/workspaces/${ids.projectWorkspace}`
const workspace = `/api/execution-workspaces/${ids.workspace}`
const operation = `/api/workspace-operations/${ids.operation}`
const issue = `${company}/issues/${ids.issue}`
const json = { 'content-type': 'application/json' }
const long = 'a'.repeat(10_000)
const huge = 'a'.repeat(9_900_000)

interface Case {
  what: string
  request: [method: Operation['method'], url: string, body?: string | undefined, headers?: Record<string, string>]
  status: number
  /** The code of the problem; else that of the status. */
  code?: string
  /** The first place that is told. */
  pointer?: string
}

const codes: Record<number, string> = { 400: 'invalid_input', 404: 'not_found', 412: 'precondition_failed', 413: 'payload_too_large', 414: 'uri_too_long', 415: 'unsupported_media_type', 405: 'method_not_allowed', 409: 'conflict', 422: 'unprocessable' }
const unread = 'bad_request'

const table: Case[] = [
  // Ids
  { what: 'a word for an id', request: ['GET', '/api/companies/acme'], status: 400, pointer: '#/params/companyId' },
  { what: 'an id with a character too few', request: ['GET', `/api/companies/${ids.company.slice(1)}`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id with a character too many', request: ['GET', `/api/companies/${ids.company}1`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id in braces', request: ['GET', `/api/companies/%7B${ids.company}%7D`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id without hyphens', request: ['GET', `/api/companies/${ids.company.replaceAll('-', '')}`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id as a URN', request: ['GET', `/api/companies/urn:uuid:${ids.company}`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id with a line end', request: ['GET', `/api/companies/${ids.company}%0A`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id with a NUL', request: ['GET', `/api/companies/${ids.company}%00`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id in full-width digits', request: ['GET', `/api/companies/${encodeURIComponent(ids.company.replaceAll('1', '１'))}`], status: 400, pointer: '#/params/companyId' },
  { what: 'SQL for an id', request: ['GET', `/api/companies/${encodeURIComponent("' or 1=1 --")}`], status: 400, pointer: '#/params/companyId' },
  { what: 'a path for an id', request: ['GET', '/api/companies/..%2f..%2fetc%2fpasswd'], status: 400, pointer: '#/params/companyId' },
  { what: 'an id of 1,000 characters', request: ['GET', `/api/companies/${'1'.repeat(1000)}`], status: 400, pointer: '#/params/companyId' },
  { what: 'an id of 10,000 characters', request: ['GET', `/api/companies/${long}`], status: 414 },
  { what: 'an id that is no percent-encoding', request: ['GET', '/api/companies/%zz'], status: 400, code: unread },
  { what: 'half a percent-encoding', request: ['GET', '/api/companies/%'], status: 400, code: unread },
  { what: 'half a surrogate pair in a path', request: ['GET', '/api/companies/%ed%a0%80'], status: 400, code: unread },
  { what: 'overlong UTF-8 in a path', request: ['GET', '/api/companies/%c0%af'], status: 400, code: unread },
  { what: 'no id at all', request: ['GET', '/api/companies//projects'], status: 400, pointer: '#/params/companyId' },
  { what: 'the nil id, which nothing has', request: ['GET', '/api/companies/00000000-0000-0000-0000-000000000000'], status: 404 },
  { what: 'an unknown action', request: ['POST', `${workspace}/runtime-services/fly`, '{}', json], status: 404, code: 'route_not_found' },
  { what: 'an action of 1,000 characters', request: ['POST', `${workspace}/runtime-services/${'a'.repeat(1000)}`, '{}', json], status: 400, pointer: '#/params/action' },
  // Queries
  { what: 'an unknown parameter', request: ['GET', '/api/companies?colour=red'], status: 400, pointer: '#/query/colour' },
  { what: 'a parameter of a route that has none', request: ['GET', `${company}?a=1`], status: 400, pointer: '#/query/a' },
  { what: 'a repeated parameter', request: ['GET', '/api/companies?limit=1&limit=1'], status: 400, pointer: '#/query/limit' },
  { what: 'a repeated text parameter', request: ['GET', '/api/companies?cursor=a&cursor=b'], status: 400, pointer: '#/query/cursor' },
  { what: 'a nested parameter', request: ['GET', '/api/companies?limit[a]=1'], status: 400, pointer: '#/query/limit[a]' },
  { what: 'a list parameter', request: ['GET', '/api/companies?limit[]=1'], status: 400, pointer: '#/query/limit[]' },
  { what: 'a limit of nothing', request: ['GET', '/api/companies?limit='], status: 400, pointer: '#/query/limit' },
  { what: 'a limit of 0', request: ['GET', '/api/companies?limit=0'], status: 400, pointer: '#/query/limit' },
  { what: 'a limit above the most', request: ['GET', '/api/companies?limit=501'], status: 400, pointer: '#/query/limit' },
  { what: 'a broken limit', request: ['GET', '/api/companies?limit=1.5'], status: 400, pointer: '#/query/limit' },
  { what: 'a limit that is no number', request: ['GET', '/api/companies?limit=NaN'], status: 400, pointer: '#/query/limit' },
  { what: 'a cursor of nonsense', request: ['GET', '/api/companies?cursor=nonsense'], status: 400, code: 'invalid_cursor' },
  { what: 'a cursor with a NUL', request: ['GET', '/api/companies?cursor=%00'], status: 400, pointer: '#/query/cursor' },
  { what: 'a cursor of 10,000 characters', request: ['GET', `/api/companies?cursor=${long}`], status: 400, pointer: '#/query/cursor' },
  { what: 'a parameter named __proto__', request: ['GET', '/api/companies?__proto__=1'], status: 400, pointer: '#/query/__proto__' },
  { what: 'a parameter named constructor', request: ['GET', '/api/companies?constructor=1'], status: 400, pointer: '#/query/constructor' },
  { what: 'a thousand parameters', request: ['GET', `/api/companies?${Array.from({ length: 1000 }, (_, at) => `a${at}=1`).join('&')}`], status: 400, pointer: '#/query/a0' },
  { what: 'an unknown status to filter by', request: ['GET', `${company}/execution-workspaces?status=asleep`], status: 400, pointer: '#/query/status' },
  { what: 'a malformed id to filter by', request: ['GET', `${company}/execution-workspaces?projectId=x`], status: 400, pointer: '#/query/projectId' },
  { what: 'a time that is none to filter by', request: ['GET', `${company}/activity?since=yesterday`], status: 400, pointer: '#/query/since' },
  { what: 'a negative offset', request: ['GET', `${operation}/log?offset=-1`], status: 400, pointer: '#/query/offset' },
  { what: 'an offset beyond all numbers', request: ['GET', `${operation}/log?offset=1e400`], status: 400, pointer: '#/query/offset' },
  { what: 'a limit of bytes above the most', request: ['GET', `${operation}/log?limitBytes=99999999`], status: 400, pointer: '#/query/limitBytes' },
  // Bodies
  ...['null', '1', '"a"', 'true', '[]', '[{}]'].map((body): Case => ({ what: `the body ${body}`, request: ['PUT', company, body, json], status: 400, pointer: '' })),
  ...['{', '{"name"', '{"name": "a",}', "{'name': 'a'}", '{"name": a}', 'name=a', '\u0000', '\ufeff', '{"name": NaN}', '{"name": "a"} x'].map((body): Case => ({ what: `the body ${JSON.stringify(body)}`, request: ['PUT', company, body, json], status: 400, code: unread })),
  { what: 'a body with __proto__', request: ['PUT', company, '{"name": "a", "__proto__": {"a": 1}}', json], status: 400, code: unread },
  { what: 'a body with constructor.prototype', request: ['PUT', company, '{"name": "a", "constructor": {"prototype": {}}}', json], status: 400, code: unread },
  { what: 'no body', request: ['PUT', company], status: 400, pointer: '/name' },
  { what: 'a field nobody knows', request: ['PUT', company, '{"name": "a", "Name": "b"}', json], status: 400, pointer: '/Name' },
  { what: 'a NUL in a value', request: ['PUT', company, '{"name": "a\\u0000"}', json], status: 400, pointer: '/name' },
  { what: 'half a surrogate pair in a value', request: ['PUT', company, '{"name": "\\ud83d"}', json], status: 400, pointer: '/name' },
  { what: 'halves of a surrogate pair the wrong way round', request: ['PUT', company, '{"name": "\\udea2\\ud83d"}', json], status: 400, pointer: '/name' },
  { what: 'a NUL in a key', request: ['PUT', checkout, '{"name": "a", "metadata": {"a\\u0000": 1}}', json], status: 400, pointer: '/metadata' },
  { what: 'half a surrogate pair in a key', request: ['PUT', checkout, '{"name": "a", "metadata": {"\\udc00": 1}}', json], status: 400, pointer: '/metadata' },
  { what: 'a name of 10,000 characters', request: ['PUT', company, `{"name": "${long}"}`, json], status: 400, pointer: '/name' },
  { what: 'a name of 9.9 MB', request: ['PUT', company, `{"name": "${huge}"}`, json], status: 413 },
  { what: 'a body of 9.9 MB for a route that takes none', request: ['DELETE', company, `{"name": "${huge}"}`, json], status: 413 },
  { what: 'lists 100,000 deep', request: ['PUT', company, `{"name": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`, json], status: 400 },
  { what: 'objects 20,000 deep', request: ['PUT', checkout, `{"name": "a", "metadata": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`, json], status: 400 },
  { what: 'objects 65 deep', request: ['PUT', checkout, `{"name": "a", "metadata": ${'{"a":'.repeat(65)}1${'}'.repeat(65)}}`, json], status: 400 },
  { what: '20,000 keys', request: ['PUT', checkout, `{"name": "a", "metadata": {${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join(',')}}}`, json], status: 400, pointer: '/metadata' },
  { what: 'a key of 10,000 characters', request: ['PUT', checkout, `{"name": "a", "metadata": {"${long}": 1}}`, json], status: 400, pointer: '/metadata' },
  { what: 'a number beyond all numbers', request: ['POST', `${workspace}/runtime-services/start`, '{"serviceIndex": 1e400}', json], status: 400, pointer: '/serviceIndex' },
  { what: 'a number that is not whole', request: ['POST', `${workspace}/runtime-services/start`, '{"serviceIndex": 0.5}', json], status: 400, pointer: '/serviceIndex' },
  { what: 'a number below zero', request: ['POST', `${workspace}/runtime-services/start`, '{"serviceIndex": -1}', json], status: 400, pointer: '/serviceIndex' },
  { what: 'a day that does not exist', request: ['PUT', issue, '{"title": "a", "hiddenAt": "2026-02-30T00:00:00Z"}', json], status: 400, pointer: '/hiddenAt' },
  { what: 'a leap second', request: ['PUT', issue, '{"title": "a", "hiddenAt": "2016-12-31T23:59:60Z"}', json], status: 400, pointer: '/hiddenAt' },
  { what: 'the year 0', request: ['PUT', issue, '{"title": "a", "hiddenAt": "0000-01-01T00:00:00Z"}', json], status: 400, pointer: '/hiddenAt' },
  { what: 'an empty change', request: ['PATCH', workspace, '{}', json], status: 400, pointer: '' },
  { what: 'a status the system sets', request: ['PATCH', workspace, '{"status": "asleep"}', json], status: 400, pointer: '/status' },
  // Headers
  { what: 'plain text', request: ['PUT', company, 'a', { 'content-type': 'text/plain' }], status: 415 },
  { what: 'a form', request: ['PUT', company, 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }], status: 415 },
  { what: 'a form of parts', request: ['PUT', company, '--a--', { 'content-type': 'multipart/form-data; boundary=a' }], status: 415 },
  { what: 'XML', request: ['PUT', company, '<name/>', { 'content-type': 'application/xml' }], status: 415 },
  { what: 'a type that is none', request: ['PUT', company, '{"name": "a"}', { 'content-type': ';;;' }], status: 415 },
  { what: 'a body of no type', request: ['PUT', company, '{"name": "a"}', { 'content-type': '' }], status: 415 },
  { what: 'a tag of 600 characters', request: ['DELETE', company, undefined, { 'if-match': `"${'a'.repeat(600)}"` }], status: 400, pointer: '#/headers/if-match' },
  { what: 'an idempotency key of 1,000 characters', request: ['POST', '/api/companies', '{"name": "a"}', { ...json, 'idempotency-key': 'a'.repeat(1000) }], status: 400, code: unread },
  { what: 'an empty idempotency key', request: ['POST', '/api/companies', '{"name": "a"}', { ...json, 'idempotency-key': '' }], status: 400, code: unread },
  { what: 'a Last-Event-ID that is none', request: ['GET', `${company}/events`, undefined, { 'last-event-id': 'yesterday' }], status: 400 },
  // Methods
  { what: 'a method that a path does not have', request: ['POST', company, '{}', json], status: 405 },
  { what: 'a path that nobody serves', request: ['GET', '/api/nothing'], status: 404, code: 'route_not_found' }
]

/** Everything wrong with a refusal; nothing when it is one in due form. */
function faultsOf ({ status, headers, body, text }: Answer, expected: Pick<Case, 'status' | 'code' | 'pointer'>): string[] {
  const places = (body?.errors ?? []) as { pointer: string }[]
  const facts: [boolean, string][] = [
    [status === expected.status && body?.status === status, `${status} in place of ${expected.status}`],
    [headers['content-type'] === 'application/problem+json; charset=utf-8', `type ${headers['content-type']}`],
    [typeof body?.requestId === 'string' && body.error === body.detail && String(body.instance).startsWith('/'), 'no whole problem document'],
    [body?.code === (expected.code ?? codes[expected.status]), `code ${body?.code}`],
    [expected.pointer === undefined || places.some(({ pointer }) => pointer === expected.pointer), `places ${JSON.stringify(places).slice(0, 300)}`]
  ]
  return facts.flatMap(([holds, fault]) => holds ? [] : [`${fault}: ${text.slice(0, 200)}`])
}

/** Sends it and gives what is wrong with the answer, by the table's word and by the document's. */
async function refusal ({ app, call }: TestApp, document: ApiDocument, { what, request: [method, url, body, headers], ...expected }: Case, template?: string): Promise<string[]> {
  const answer = body === undefined || headers !== undefined
    ? await app.inject({ method, url, ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { payload: body }) }).then(one => ({ status: one.statusCode, headers: one.headers, text: one.payload, body: one.payload.startsWith('{') ? one.json() : undefined }))
    : await call(method, url, body)
  const undeclared = template === undefined ? null : document.faultOf({ method, path: template }, answer)
  return [...faultsOf(answer, expected), ...(undeclared === null ? [] : [undeclared])].map(fault => `${what}: ${method} ${url.slice(0, 200)} ${body?.slice(0, 200) ?? ''}: ${fault}`)
}

/** A path of the document with its examples, and one parameter replaced. */
function filled ({ path, parameters }: Operation, name = '', value = ''): string {
  return path.replace(/\{(\w+)\}/g, (_whole, one: string) => one === name ? value : String(parameters.find(parameter => parameter.in === 'path' && parameter.name === one)?.example))
}

const isId = (schema: Schema | undefined) => schema?.format === 'uuid'

/** Of every type something, and what lies just beyond the bounds; all of it misfits. */
function misfitsOf (schema: Schema): unknown[] {
  const types = [schema.type ?? (schema.enum === undefined ? 'object' : 'string')].flat()
  const samples: [string, unknown][] = [['null', null], ['boolean', true], ['integer', 7], ['number', 1.5], ['string', 'a'], ['object', { a: 1 }], ['array', [1]]]
  return [
    ...samples.flatMap(([type, value]) => types.includes(type) || (type === 'integer' && types.includes('number')) ? [] : [value]),
    ...(schema.enum === undefined && !isId(schema) && schema.format === undefined ? [] : ['no such value']),
    ...((schema.minLength ?? 0) > 0 ? [''] : []),
    ...(schema.maxLength === undefined ? [] : ['a'.repeat(schema.maxLength + 1)]),
    ...(schema.minimum === undefined ? [] : [schema.minimum - 1]),
    ...(schema.maximum === undefined ? [] : [schema.maximum + 1]),
    ...(schema.maxItems === undefined ? [] : [Array.from({ length: schema.maxItems + 1 }, () => 'a')])
  ]
}

interface Place { pointer: string, schema: Schema, wrap: (value: unknown) => unknown }

/** Every field of a body, however deep; each with a way to make a body that holds a value there. */
function placesIn (document: ApiDocument, given: Schema, pointer: string, wrap: Place['wrap']): Place[] {
  const schema = document.resolve(given)
  if (schema.anyOf !== undefined) {
    const [inner = {}] = schema.anyOf.map(document.resolve).filter(one => one.type !== 'null')
    return placesIn(document, { ...inner, type: [inner.type ?? 'object', 'null'].flat() }, pointer, wrap)
  }
  return [
    ...(pointer === '' ? [] : [{ pointer, schema, wrap }]),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => placesIn(document, field, `${pointer}/${name}`, value => wrap({ [name]: value }))),
    ...(schema.items === undefined ? [] : placesIn(document, schema.items, `${pointer}/0`, value => wrap([value])))
  ]
}

function spoiltFields (document: ApiDocument): [Case, string][] {
  return document.operations.flatMap(operation => operation.body === null
    ? []
    : placesIn(document, operation.body, '', value => value)
      .flatMap(({ pointer, schema, wrap }) => misfitsOf(schema).map((value): [Case, string] => [
        { what: `a wrong ${pointer}`, request: [operation.method, filled(operation), JSON.stringify({ ...operation.bodyExample as object, ...wrap(value) as object }), json], status: 400, pointer },
        operation.path
      ])))
}

function spoiltIds (document: ApiDocument): [Case, string][] {
  return document.operations.flatMap(operation => operation.parameters.filter(one => one.in === 'path' && isId(one.schema)).flatMap(({ name }) =>
    ['x', '%00', `${ids.company}0`, '1'.repeat(1000), '%F0%9F%9A%A2', '..%2f'].map((value): [Case, string] => [
      { what: `a wrong ${name}`, request: [operation.method, filled(operation, name, value)], status: 400, pointer: `#/params/${name}` }, operation.path
    ])))
}

function spoiltQueries (document: ApiDocument): [Case, string][] {
  return document.operations.flatMap(operation => operation.parameters.filter(one => one.in === 'query').flatMap(({ name, schema = {} }) => {
    // In a URL everything is text: only text that is no such value misfits, and twice is once too often.
    const texts = misfitsOf(schema).filter(value => typeof value === 'string' || (typeof value === 'number' && schema.type === 'integer')).map(String)
    if (schema.type === 'integer') texts.push('1e999', '-1e999', 'NaN', '١')
    const queries = [...texts.map(text => `${name}=${encodeURIComponent(text)}`), `${name}=${encodeURIComponent(String(texts[0] ?? 'a'))}&${name}=a`, `${name}=%00`]
    const rest = operation.body === null ? [] as const : [JSON.stringify(operation.bodyExample), json] as const
    return queries.map((query): [Case, string] => [{ what: `a wrong ${name}`, request: [operation.method, `${filled(operation)}?${query}`, ...rest], status: 400, pointer: `#/query/${name}` }, operation.path])
  }))
}

function spoiltBodies (document: ApiDocument): [Case, string][] {
  return document.operations.filter(({ method, body }) => method !== 'GET' && body !== null).flatMap(operation => [
    ...['7', '"a"', 'true', '[1]'].map((body): [Case, string] => [{ what: `the body ${body}`, request: [operation.method, filled(operation), body, json], status: 400, pointer: '' }, operation.path]),
    [{ what: 'no JSON', request: [operation.method, filled(operation), '{', json], status: 400, code: unread }, operation.path],
    [{ what: 'XML', request: [operation.method, filled(operation), '<a/>', { 'content-type': 'text/xml' }], status: 415 }, operation.path],
    [{ what: 'a field nobody knows', request: [operation.method, filled(operation), JSON.stringify({ ...operation.bodyExample as object, colour: 1 }), json], status: 400, pointer: '/colour' }, operation.path],
    [{ what: 'an unknown parameter', request: [operation.method, `${filled(operation)}?colour=1`, JSON.stringify(operation.bodyExample), json], status: 400, pointer: '#/query/colour' }, operation.path]
  ] as [Case, string][])
}

/** What arrives as bytes on a socket, before there is a request. */
const onTheWire: { what: string, bytes: string, status: number, code?: string }[] = [
  { what: 'no Host', bytes: 'GET /healthz HTTP/1.1\r\n\r\n', status: 400 },
  { what: 'two Hosts', bytes: 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n', status: 400 },
  { what: 'an empty Host', bytes: 'GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', status: 403, code: 'foreign_origin' },
  { what: 'a method that is none', bytes: 'BREW /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', status: 400 },
  { what: 'HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400 },
  { what: 'TLS', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', status: 400 },
  { what: 'a NUL in a header', bytes: 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n', status: 400 },
  { what: 'a folded header', bytes: 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n', status: 400 },
  { what: 'a length that is none', bytes: 'PUT /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: abc\r\n\r\n', status: 400 },
  { what: 'two lengths', bytes: 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde', status: 400 },
  { what: 'a length and chunks', bytes: 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', status: 400 },
  { what: 'a chunk that is none', bytes: 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', status: 400 },
  { what: 'a URL of 20,000 characters', bytes: `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, status: 431 },
  { what: 'a header of 20,000 characters', bytes: `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, status: 431 },
  { what: '2,000 headers', bytes: `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n${Array.from({ length: 2000 }, (_, at) => `x${at}: 12`).join('\r\n')}\r\n\r\n`, status: 431 },
  { what: 'an expectation nobody meets', bytes: 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n', status: 417 },
  { what: 'a method of the web that no path has', bytes: 'TRACE /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', status: 405, code: 'method_not_allowed' },
  { what: 'a request for no path', bytes: 'OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', status: 404, code: 'route_not_found' }
]

/** Sends bytes and gives all that comes back before the connection is closed. */
async function exchange (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes, 'latin1')
  return Buffer.concat(await socket.toArray() as Buffer[]).toString()
}

function faultsOnTheWire ({ what, status, code = 'bad_request' }: typeof onTheWire[number], text: string): string[] {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const problem = /^content-type: application\/problem\+json/im.test(head) ? JSON.parse(body) as Record<string, unknown> : null
  const isRight = head.startsWith(`HTTP/1.1 ${status} `) && problem?.['status'] === status && problem['code'] === code
  return isRight ? [] : [`${what}: ${text.slice(0, 300)}`]
}

async function allRefused (t: Test, house: TestApp, document: ApiDocument, cases: [Case, string?][]): Promise<void> {
  const faults: string[] = []
  for (const [one, template] of cases) faults.push(...await refusal(house, document, one, template))
  t.same(faults, [], `${cases.length} cases`)
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`bad inputs (${kind})`, async t => {
    const { database } = await openTestDatabase(t, kind)
    const house = await buildTestApp(t, { database })
    const document = readDocument(house.app)
    await house.call('PUT', company, { name: 'Acme' })
    const before = (await house.call('GET', '/api/companies')).text

    t.ok(table.length >= 74, `${table.length} cases`)
    await t.test('of the table', async t => await allRefused(t, house, document, table.map(one => [one])))
    if (kind === 'pglite') {
      // Refused before any database is asked: one will do.
      await t.test('in every id of every path', async t => await allRefused(t, house, document, spoiltIds(document)))
      await t.test('in every parameter of every query', async t => await allRefused(t, house, document, spoiltQueries(document)))
      await t.test('in every field of every body', async t => await allRefused(t, house, document, spoiltFields(document)))
      await t.test('in place of every body', async t => await allRefused(t, house, document, spoiltBodies(document)))
    }
    await t.test('before there is a request', async t => {
      await house.app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = house.app.server.address() as AddressInfo
      for (const one of onTheWire) t.same(faultsOnTheWire(one, await exchange(port, one.bytes)), [], one.what)
    })
    t.equal((await house.call('GET', '/api/companies')).text, before, 'nothing was changed')
  })
}
