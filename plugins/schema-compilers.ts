/** The validators of the app (bodies are taken as they are, everything from the URL is converted first), and its serialisers, each made at its first use. */
import { Ajv, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'

const options: Options = {
  strict: true,
  // Nullable scalars are `type: [..., 'null']`.
  allowUnionTypes: true,
  // Clients get every invalid place at once; strings and arrays are bounded, so this stays cheap.
  allErrors: true,
  // Unknown fields are refused, never dropped silently.
  removeAdditional: false,
  useDefaults: true
}

/** Keywords of our own that only the document uses. */
const vocabulary = ['x-example', 'example']

// RFC 3339 with a zone; whether the day exists is checked by making a date of it.
const dateTimePattern = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** True for a time that JavaScript and PostgreSQL both can hold: years 1 to 9999, no leap second. */
export function isStorableTime (text: string): boolean {
  if (!dateTimePattern.test(text)) return false
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) return false
  const year = time.getUTCFullYear()
  // JavaScript rolls 31 February over into March; then the day of the month differs, whatever the zone.
  const [, month = '', day = ''] = /^\d{4}-(\d{2})-(\d{2})/.exec(text) ?? []
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(month), 0)).getUTCDate()
  return year >= 1 && year <= 9999 && Number(day) <= lastDay
}

function makeAjv (externalSchemas: Record<string, unknown>, extra: Options): Ajv {
  const ajv = new Ajv({ ...options, ...extra })
  formats.default(ajv)
  ajv.addFormat('date-time', isStorableTime)
  ajv.addVocabulary(vocabulary)
  for (const schema of Object.values(externalSchemas)) ajv.addSchema(schema as object)
  return ajv
}

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>
type ValidatorFactory = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildValidator']>
/** What Fastify really hands to a compiler; the declared type is that of plain ajv. */
interface RoutePart { schema: object, httpPart?: string }

/** What `make` gives, made at the first call. */
function once<T> (make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

type Validate = Pick<ValidateFunction, 'errors'> & ((data: unknown) => boolean | Promise<unknown>)

/** Compiles at the first call; Fastify reads the errors of a call from the function. */
function compiledAtFirstUse (compile: () => ValidateFunction): Validate {
  const compiled = once(compile)
  const validate: Validate = data => {
    const accepts = compiled()
    const answer = accepts(data)
    validate.errors = accepts.errors ?? null
    return answer
  }
  return validate
}

/**
 * To compile all routes is most of a start (0.6 s of a processor), and few starts see all of them used: each is
 * compiled when the first request needs it. A test compiles every one.
 */
function buildValidator (externalSchemas: Record<string, unknown>): (part: RoutePart) => Validate {
  const strictly = once(() => makeAjv(externalSchemas, {}))
  // `1e999` is converted to Infinity, which the bounds of strict numbers are not applied to; every number in a URL has bounds.
  const converting = once(() => makeAjv(externalSchemas, { coerceTypes: 'array', strictNumbers: false }))
  return ({ schema, httpPart }) => compiledAtFirstUse(() => (httpPart === 'body' ? strictly() : converting()).compile(schema))
}

type SerializerFactory = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildSerializer']>
type Serialize = (value: unknown) => string

/**
 * Some 400 answers refer to some 30 components: each serialiser is made once, at its first use. Problems are sent as
 * plain JSON by the error handler and need none.
 */
function buildSerializer (externalSchemas: unknown, options: unknown): (part: RoutePart) => Serialize {
  const make = SerializerSelector()(externalSchemas, options as never) as unknown as (part: RoutePart) => Serialize
  const known = new Map<string, Serialize>()
  return part => {
    const key = JSON.stringify(part.schema)
    if (key === '{"$ref":"Problem#"}') return JSON.stringify
    const made = once(() => make(part))
    const serialize = known.get(key) ?? (value => made()(value))
    known.set(key, serialize)
    return serialize
  }
}

/**
 * For Fastify's option `schemaController`: one ajv for bodies without conversion, one for params, query and headers,
 * where everything arrives as text (`coerceTypes: 'array'` lets one value stand for a list of one).
 */
export const schemaController: SchemaController = {
  compilersFactory: {
    buildValidator: buildValidator as unknown as ValidatorFactory,
    buildSerializer: buildSerializer as unknown as SerializerFactory
  }
}
