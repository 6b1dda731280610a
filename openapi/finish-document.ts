/** Completes the generated document: examples everywhere, the answers every route can give, shared headers. */
import type { FastifySchema } from 'fastify'
import type { SwaggerTransform } from '@fastify/swagger'
import { catalogue } from '../services/errors.ts'
import { accessRuleOf } from './access.ts'
import { componentExamples } from './examples.ts'
import { exampleIds, pathExample } from './example-ids.ts'
import { sentWebhooks } from './sent-webhooks.ts'
import { problem, type ProblemStatus } from './schemas/responses.ts'

type Json = Record<string, unknown>
interface Media { schema?: Json, example?: unknown }
interface Parameter { name: string, in: string, example?: unknown, schema?: Json, description?: string, required?: boolean }
interface Response { description?: string, headers?: Record<string, unknown>, content?: Record<string, Media> }
interface Operation {
  requestBody?: { required?: boolean, content: Record<string, Media> }
  parameters?: Parameter[]
  responses: Record<string, Response>
  'x-body-example'?: unknown
  operationId?: string
  'x-berth-access'?: string
}
interface Document {
  paths?: Record<string, Record<string, Operation>>
  webhooks?: object
  components?: { schemas?: Record<string, Json> }
}

const problemJson = 'application/problem+json'

/**
 * For `@fastify/swagger`: keeps the example that stands beside a body's `$ref`, which its conversion drops, and gives the
 * rest of a path (`*`) a name that client generators can use.
 */
export const describeRoute: SwaggerTransform<FastifySchema> = ({ schema, url }) => {
  const example = (schema?.body as { 'x-example'?: unknown } | undefined)?.['x-example']
  const noted = example === undefined ? schema : { ...schema, 'x-body-example': example } as FastifySchema
  const { '*': rest, ...named } = (schema?.params as { properties?: Record<string, Json> } | undefined)?.properties ?? {}
  if (rest === undefined) return { schema: noted, url }
  return { schema: { ...noted, params: { type: 'object', properties: { ...named, path: rest } } }, url: url.replace(/\*$/, ':path') }
}

/** For `@fastify/swagger`: the document as it is served and committed. */
export function finishDocument<T extends object> (raw: T): T {
  const document = raw as Document
  const schemas = document.components?.schemas ?? {}
  for (const [name, example] of Object.entries(componentExamples)) {
    const schema = schemas[name]
    if (schema !== undefined && schema['examples'] === undefined) schema['examples'] = [example]
  }
  const code = (schemas['Problem']?.['properties'] as Record<string, Json> | undefined)?.['code']
  if (code !== undefined) code['description'] = codesDescription()
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) finishOperation(path, method, operation, schemas)
  }
  document.webhooks = sentWebhooks
  return raw
}

function finishOperation (path: string, method: string, operation: Operation, schemas: Record<string, Json>): void {
  finishParameters(path, operation)
  finishBody(operation, schemas)
  addCommonProblems(path, method, operation)
  if (method === 'get') addNotModified(operation)
  if (takesKey(path, method)) addIdempotency(operation)
  const rule = accessRuleOf(operation.operationId ?? '')
  if (rule !== undefined) operation['x-berth-access'] = rule
  for (const [status, response] of Object.entries(operation.responses)) {
    for (const [type, media] of Object.entries(response.content ?? {})) {
      if (media.example !== undefined) continue
      const example = type === problemJson ? problemExample(Number(status), path) : schemaExample(media.schema, schemas)
      if (example !== undefined) media.example = example
    }
  }
}

function finishParameters (path: string, operation: Operation): void {
  const parameters = operation.parameters ?? []
  for (const parameter of parameters) {
    const example = parameter.in === 'path' ? pathExample(path, parameter.name) : undefined
    if (parameter.example === undefined && example !== undefined) parameter.example = example
  }
  if (parameters.length > 0) operation.parameters = parameters
}

function takesKey (path: string, method: string): boolean {
  return path.startsWith('/api/') && method === 'post'
}

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description: 'Makes the request safe to repeat for a day: the same key and body (as JSON values; the order of keys is all one) gives the first answer again, another body is a 422. While the first one is under way, and when it failed in a way that may pass (409, 429, 5xx), nothing is kept.'
}

/** The key, what a repeated request is answered with, and that it was. */
function addIdempotency (operation: Operation): void {
  (operation.parameters ??= []).push(idempotencyKey)
  operation.responses[409] ??= withoutTypeBox(problem(409, 'The first request with this `Idempotency-Key` is still under way.'))
  operation.responses[422] ??= withoutTypeBox(problem(422, 'The `Idempotency-Key` was used with another body.'))
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!keptStatuses.test(status)) continue
    response.headers = { ...response.headers, 'Idempotency-Replayed': { description: '`true`: this answer was given before to the same `Idempotency-Key`.', schema: { type: 'string', enum: ['true'] } } }
  }
}

/** Answers that are kept for a key. Those to a malformed request (400, 413, 415) come before it is looked at. */
const keptStatuses = /^(?:2\d\d|403|404|422)$/

/** Every resource with an `ETag` can be asked for only if it has changed. */
function addNotModified (operation: Operation): void {
  const tag = operation.responses[200]?.headers?.['ETag']
  if (tag === undefined) return
  (operation.parameters ??= []).push({
    name: 'If-None-Match', in: 'header', required: false, schema: { type: 'string' }, description: 'The `ETag` you have; if it is still that, the answer is 304 without a body.'
  })
  operation.responses[304] = { description: 'It is as you know it.', headers: { ETag: tag } }
}

function finishBody (operation: Operation, schemas: Record<string, Json>): void {
  const { requestBody } = operation
  if (requestBody === undefined) return
  const example = operation['x-body-example']
  delete operation['x-body-example']
  for (const media of Object.values(requestBody.content)) {
    media.example ??= example ?? schemaExample(media.schema, schemas)
    // Without a body `{}` is taken, which is enough when no field is required.
    const required = (resolve(media.schema, schemas)?.['required'] ?? []) as unknown[]
    requestBody.required = required.length > 0
  }
}

/** The answers any route can give; a route's own words go first. */
function addCommonProblems (path: string, method: string, operation: Operation): void {
  const statuses: ProblemStatus[] = path.startsWith('/api/') ? [400, 401, 403, 429, 500, 503] : [400, 403, 500]
  // A body that nobody asked for is read, too.
  if (method !== 'get') statuses.push(413, 415)
  if (path.includes('{')) statuses.push(414)
  for (const status of statuses) {
    operation.responses[status] ??= withoutTypeBox(problem(status))
  }
  const { 401: nobody } = operation.responses
  if (nobody !== undefined) nobody.headers = { 'WWW-Authenticate': { description: '`Bearer realm="berth"`, and for a credential that does not hold `error="invalid_token"` with the reason (RFC 6750).', schema: { type: 'string' } }, ...nobody.headers }
}

/** The document refers to components by path, routes by `$id`. */
function withoutTypeBox (response: object): Response {
  return JSON.parse(JSON.stringify(response).replaceAll('"Problem#"', '"#/components/schemas/Problem"')) as Response
}

function resolve (schema: Json | undefined, schemas: Record<string, Json>): Json | undefined {
  const name = nameOf(schema)
  return name === undefined ? schema : schemas[name]
}

function nameOf (schema: Json | undefined): string | undefined {
  const reference = schema?.['$ref']
  return typeof reference === 'string' ? reference.split('/').at(-1) : undefined
}

function schemaExample (schema: Json | undefined, schemas: Record<string, Json>): unknown {
  if (schema?.['type'] === 'array') {
    const item = nameOf(schema['items'] as Json | undefined)
    const example = item === undefined ? undefined : first(schemas[item]?.['examples'])
    return example === undefined ? [] : [example]
  }
  return first(resolve(schema, schemas)?.['examples'])
}

function first (values: unknown): unknown {
  return Array.isArray(values) ? values[0] : undefined
}

function problemExample (status: number, path: string): unknown {
  const [code, { title }] = [...catalogue].find(([, entry]) => entry.status === status) ?? ['internal_error', { title: 'Internal error' }]
  const detail = `${title}.`
  const instance = path.replace(/\{(\w+)\}/g, (_whole, name: string) => pathExample(path, name) ?? name)
  return { type: `urn:berth:problem:${code}`, title, status, detail, instance, code, error: detail, requestId: exampleIds.run }
}

/** Every code with its status, so that a client's author can see them all. */
function codesDescription (): string {
  const lines = [...catalogue].map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`)
  return ['The kind of problem, for programs; others may be added.', '', '| code | status | title |', '|---|---|---|', ...lines].join('\n')
}
