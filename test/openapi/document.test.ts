/** The OpenAPI document: complete, true to the app, and usable by other tools. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import t from 'tap'
import { documentHead } from '../../openapi/document.ts'
import { documentFile, documentText } from '../../openapi/generate.ts'
import { components } from '../../openapi/schemas/index.ts'
import { catalogue } from '../../services/errors.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const run = promisify(execFile)
const checkout = fileURLToPath(new URL('../..', import.meta.url))

interface Media { schema?: { $ref?: string, type?: string, items?: { $ref?: string } }, example?: unknown }
interface Operation {
  operationId?: string
  tags?: string[]
  summary?: string
  description?: string
  parameters?: { name: string, in: string, example?: unknown }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description?: string, headers?: Record<string, unknown>, content?: Record<string, Media> }>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  tags: { name: string, description: string }[]
  components: { schemas: Record<string, { examples?: unknown[] }> }
}

function operationsOf ({ paths }: Document): [string, Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${path}`, operation]))
}

/** What an operation leaves untold of the headers that work alike everywhere. */
function headerGapsIn (name: string, { parameters = [], responses }: Operation): string[] {
  const takes = (header: string) => parameters.some(one => one.in === 'header' && one.name.toLowerCase() === header)
  const successes = Object.entries(responses).filter(([status]) => status.startsWith('2')).map(([, response]) => response.headers ?? {})
  const facts: [boolean, boolean, string][] = [
    [name.startsWith('POST /api/'), takes('idempotency-key') && responses['409'] !== undefined && responses['422'] !== undefined, 'the Idempotency-Key'],
    [name.startsWith('POST /api/'), successes.every(headers => 'Idempotency-Replayed' in headers), 'Idempotency-Replayed'],
    [name.startsWith('GET ') && successes.some(headers => 'ETag' in headers), takes('if-none-match') && responses['304'] !== undefined, 'If-None-Match'],
    [takes('prefer'), 'Preference-Applied' in (responses['202']?.headers ?? {}) && 'Location' in (responses['202']?.headers ?? {}), 'the 202'],
    [takes('if-match'), responses['412'] !== undefined, 'the 412']
  ]
  return facts.filter(([applies, told]) => applies && !told).map(([, , what]) => what)
}

/** What an operation leaves untold. */
function gapsIn (name: string, operation: Operation, tags: Set<string>): string[] {
  const bodies = Object.values(operation.requestBody?.content ?? {})
  const expected = name.includes(' /api/') ? ['400', '401', '403', '429', '500', '503'] : ['400', '403', '500']
  if (!name.startsWith('GET ')) expected.push('413', '415')
  if (name.includes('{')) expected.push('414')
  const facts: [boolean, string][] = [
    [/^[a-z][A-Za-z]+$/.test(operation.operationId ?? ''), 'an operationId'],
    [Boolean(operation.summary), 'a summary'],
    [Boolean(operation.description), 'a description'],
    [operation.tags?.length === 1 && tags.has(operation.tags[0] ?? ''), 'one described tag'],
    [Object.keys(operation.responses).some(status => status.startsWith('2')), 'what success is'],
    [bodies.every(media => media.example !== undefined), 'an example of the body'],
    ...(operation.parameters ?? []).filter(one => one.in === 'path').map((one): [boolean, string] => [one.example !== undefined, `an example of ${one.name}`]),
    ...expected.map((status): [boolean, string] => [operation.responses[status] !== undefined, `the answer ${status}`]),
    ...Object.entries(operation.responses).flatMap(([status, response]): [boolean, string][] => [
      [Boolean(response.description) && response.description !== 'Default Response', `words for ${status}`],
      [Object.values(response.content ?? {}).every(media => media.example !== undefined), `an example of ${status}`]
    ])
  ]
  return facts.filter(([told]) => !told).map(([, what]) => what)
}

t.test('the OpenAPI document', async t => {
  const { app } = await buildTestApp(t)
  const document = JSON.parse(documentText(app.swagger())) as Document

  t.test('is the committed one; `npm run openapi` writes it', async t => {
    t.equal(documentText(app.swagger()), await readFile(documentFile, 'utf8'))
  })

  t.test('is served at /openapi.json and to the docs page', async t => {
    t.same((await app.inject('/openapi.json')).json(), document)
    t.same((await app.inject('/docs/json')).json(), document)
  })

  t.test('tells every operation in full', async t => {
    const tags = new Set(document.tags.map(tag => tag.name))
    const operations = operationsOf(document)
    t.equal(new Set(operations.map(([, { operationId }]) => operationId)).size, operations.length, 'each operationId is used once')
    t.same(operations.flatMap(([name, operation]) => [...gapsIn(name, operation, tags), ...headerGapsIn(name, operation)].map(gap => `${name}: ${gap}`)), [])
  })

  t.test('has one way to answer before the end, for all that takes time', async t => {
    const early = operationsOf(document).filter(([, { parameters = [] }]) => parameters.some(one => one.name.toLowerCase() === 'prefer')).map(([name]) => name)
    t.match(early.sort(), [/^PATCH .*workspaces\/\{id\}$/, /^POST .*execution-workspaces$/, /archive$/, /restore$/, /runtime-commands/, /runtime-services/, /projects.*runtime-commands/, /projects.*runtime-services/])
    t.equal(early.length, 8)
  })

  t.test('says how to get in, and where that is not needed', async t => {
    const { security, components: { securitySchemes }, paths } = document as unknown as { security: object[], components: { securitySchemes: object }, paths: Record<string, Record<string, { security?: object[], responses: Record<string, { headers?: object }> }>> }
    t.same(security, [{ bearer: [] }, { apiKey: [] }, {}], 'in mode local without')
    t.same(documentHead({ basePath: '', authMode: 'token' }).security, [{ bearer: [] }, { apiKey: [] }])
    t.same(Object.keys(securitySchemes), ['bearer', 'apiKey'])
    const open = Object.entries(paths).filter(([, methods]) => Object.values(methods).some(operation => operation.security?.length === 0)).map(([path]) => path)
    t.same(open.sort(), ['/healthz', '/metrics', '/openapi.json', '/readyz'])
    t.ok(operationsOf(document).filter(([name]) => name.includes(' /api/')).every(([, { responses }]) => 'WWW-Authenticate' in (responses['401']?.headers ?? {})))
  })

  t.test('leaves out no route', async t => {
    const known = new Set(operationsOf(document).map(([name]) => name))
    const routes = app.printRoutes().split('\n')
    const served = routeList(routes).filter(({ method, url }) => !url.startsWith('/docs') && method !== 'HEAD' && method !== 'OPTIONS')
      .map(({ method, url }) => `${method} ${url.replace(/\/\*$/, '/:path').replace(/:(\w+)/g, '{$1}')}`)
    t.ok(served.length > 40, 'the list was read')
    t.same(served.filter(name => !known.has(name)), [])
  })

  t.test('names every component, and every error code with its status', async t => {
    t.same(components.filter(component => document.components.schemas[component.$id] === undefined), [])
    t.equal(Object.keys(document.components.schemas).filter(name => name.startsWith('def-')).length, 0)
    const told = JSON.stringify(document.components.schemas['Problem'])
    t.same([...catalogue].filter(([code, { status, title }]) => !told.includes(`| \`${code}\` | ${status} | ${title} |`)), [])
  })

  t.test('has examples that fit their schemas', async t => {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    formats.default(ajv)
    ajv.addSchema({ ...document, $id: 'document' })
    const misfits: string[] = []
    const fits = (schema: object, example: unknown, name: string) => {
      const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object)
      if (!validate(example)) misfits.push(`${name} ${JSON.stringify(validate.errors)}`)
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      for (const example of schema.examples ?? []) fits({ $ref: `#/components/schemas/${name}` }, example, name)
    }
    for (const [name, operation] of operationsOf(document)) {
      const bodies = Object.values(operation.requestBody?.content ?? {})
      const answers = Object.values(operation.responses).flatMap(response => Object.values(response.content ?? {}))
      for (const { schema = {}, example } of [...bodies, ...answers]) fits(schema, example, name)
    }
    t.same(misfits, [])
  })

  t.test('passes the recommended rules of redocly', async t => {
    const { stdout, stderr } = await run(process.execPath, [join(checkout, 'node_modules/@redocly/cli/bin/cli.js'), 'lint', documentFile, '--format', 'json'], {
      cwd: checkout,
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    }).catch((error: { stdout: string, stderr: string }) => error)
    const { totals } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { totals: { errors: number, warnings: number } }
    t.match(totals, { errors: 0, warnings: 0 }, stdout + stderr)
  })

  t.test('gives TypeScript that compiles', async t => {
    const folder = await temporaryFolder(t)
    const { default: openapiTS, astToString } = await import('openapi-typescript')
    await writeFile(join(folder, 'api.ts'), astToString(await openapiTS(document as never)))
    await writeFile(join(folder, 'use.ts'), `import type { components, operations } from './api.js'
export const name: components['schemas']['Company']['name'] = 'a'
export type Put = operations['putCompany']['requestBody']['content']['application/json']
export const body: Put = { name }
// @ts-expect-error a company has a name
export const wrong: Put = {}
`)
    const { stdout } = await run(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', join(folder, 'use.ts')])
      .catch((error: { stdout: string }) => error)
    t.equal(stdout, '')
  })
})

/** Reads Fastify's tree of routes: `├── /api/companies (GET, HEAD)`, children indented below their parents. */
function routeList (lines: string[]): { method: string, url: string }[] {
  const path: string[] = []
  return lines.flatMap(line => {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line)
    if (match === null) return []
    const depth = (match[1]?.length ?? 0) / 4
    path.length = depth
    path[depth] = match[2] ?? ''
    return (match[3] ?? '').split(', ').filter(method => method !== '').map(method => ({ method, url: path.join('') }))
  })
}
