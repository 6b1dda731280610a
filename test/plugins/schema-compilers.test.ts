/** Times that JavaScript and PostgreSQL both can hold, and the schemas of all routes, which are compiled at their first use only. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, FastifySchema } from 'fastify'
import t from 'tap'
import { isStorableTime, schemaController } from '../../plugins/schema-compilers.ts'
import { buildTestApp } from '../fixtures/app.ts'

interface Part { httpPart?: string, schema: object }
type Factory = (externalSchemas: unknown, options: unknown) => (part: Part) => (value: unknown) => unknown

/** Every schema that a route declares, for a request or for an answer. */
function partsOf ({ body, querystring, params, headers, response }: FastifySchema): { request: Part[], answers: Part[] } {
  const request = Object.entries({ body, querystring, params, headers }).flatMap(([httpPart, schema]) => schema === undefined ? [] : [{ httpPart, schema: schema as object }])
  return { request, answers: Object.values(response ?? {}).map(schema => ({ schema })) }
}

/** The text that was made; or why not, which is the value's fault where the schema compiles. */
function outcome (serialize: () => unknown): string {
  try {
    return String(serialize())
  } catch (error) {
    return (error as Error).message
  }
}

t.test('every schema of every route compiles, and compiles once', async t => {
  const declared: FastifySchema[] = []
  const onInitialization = (message: unknown): void => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', route => { if (route.schema !== undefined) declared.push(route.schema) })
  }
  subscribe('fastify.initialization', onInitialization)
  const { app } = await buildTestApp(t)
  unsubscribe('fastify.initialization', onInitialization)
  const factories = schemaController.compilersFactory as unknown as Record<'buildValidator' | 'buildSerializer', Factory>
  const validator = factories.buildValidator(app.getSchemas(), {})
  const serializer = factories.buildSerializer(app.getSchemas(), {})
  const parts = declared.map(partsOf)
  t.ok(parts.length > 40, `${parts.length} routes`)
  for (const part of parts.flatMap(({ request }) => request)) t.doesNotThrow(() => validator(part)(null), JSON.stringify(part))
  for (const part of parts.flatMap(({ answers }) => answers)) {
    const serialize = serializer(part)
    t.equal(serialize, serializer(part), 'one for all routes that answer the same')
    t.match(outcome(() => serialize({})), /^[[{"n]|is required!$|does not match schema definition/, JSON.stringify(part))
  }
  t.throws(() => validator({ httpPart: 'params', schema: { type: 'object', unknownKeyword: true } })(null), /strict mode: unknown keyword/)
  t.match(outcome(() => serializer({ schema: { $ref: 'Nowhere#' } })({})), /Nowhere/)
})

t.test('RFC 3339 times of the years 1 to 9999 are taken', async t => {
  for (const text of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123Z', '2024-02-29T23:59:59+02:00', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-06-01T00:00:00-11:30']) t.ok(isStorableTime(text), text)
})

t.test('anything else is not', async t => {
  for (const text of ['', 'now', '2026-01-31', '2026-01-31T12:00Z', '2026-01-31 12:00:00Z', '2026-01-31T12:00:00', '2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2016-12-31T23:59:60Z', '0000-06-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-01:00', '+12026-01-01T00:00:00Z', '2026-01-01T00:00:00+25:00', '2026-01-01T00:00:00Z\n']) {
    t.notOk(isStorableTime(text), text)
  }
})
