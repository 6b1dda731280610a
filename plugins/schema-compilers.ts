/** The two validators of the app: bodies are taken as they are, everything from the URL is converted first. */
import { Ajv, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
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
const dateTimePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i

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

function buildValidator (externalSchemas: Record<string, unknown>): (part: RoutePart) => ValidateFunction {
  const strictly = makeAjv(externalSchemas, {})
  const converting = makeAjv(externalSchemas, { coerceTypes: 'array' })
  return ({ schema, httpPart }) => (httpPart === 'body' ? strictly : converting).compile(schema)
}

/**
 * For Fastify's option `schemaController`: one ajv for bodies without conversion, one for params, query and headers,
 * where everything arrives as text (`coerceTypes: 'array'` lets one value stand for a list of one).
 */
export const schemaController: SchemaController = {
  compilersFactory: { buildValidator: buildValidator as unknown as ValidatorFactory }
}
