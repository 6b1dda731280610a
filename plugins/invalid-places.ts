/** Turns what the validator found into places (JSON pointers) and words. */
import type { FastifySchemaValidationError } from 'fastify'
import type { InvalidPlace } from '../services/errors.ts'

/** More than these help nobody, and an answer must stay small. */
const maxPlaces = 50

/** Pointers into the body are plain; into anything else they begin with `#/query`, `#/params` or `#/headers`. */
const prefixes: Record<string, string> = { body: '', querystring: '#/query', params: '#/params', headers: '#/headers' }

type Found = FastifySchemaValidationError

/** One place per invalid value; for alternatives (`anyOf`) what the best fitting one says, not all of them. */
export function invalidPlaces (errors: readonly Found[], context: string): InvalidPlace[] {
  const prefix = prefixes[context] ?? ''
  const places = new Map<string, InvalidPlace>()
  for (const error of errors) {
    if (isNoise(error, errors)) continue
    const place = { pointer: prefix + pointerOf(error), message: messageOf(error) }
    if (!places.has(place.pointer)) places.set(place.pointer, place)
    if (places.size === maxPlaces) break
  }
  return [...places.values()]
}

/** "must be null" and "must match anyOf" say nothing when another alternative said what is wrong. */
function isNoise (error: Found, all: readonly Found[]): boolean {
  const isAlternative = error.keyword === 'anyOf' || error.keyword === 'if' ||
    (error.keyword === 'type' && error.params['type'] === 'null')
  return isAlternative && all.some(other => other !== error && !isSummary(other) && other.instancePath.startsWith(error.instancePath))
}

function isSummary (error: Found): boolean {
  return error.keyword === 'anyOf' || (error.keyword === 'type' && error.params['type'] === 'null')
}

/** Where these keywords put the name of the key they are about. */
const keyParameters: Record<string, string> = { required: 'missingProperty', additionalProperties: 'additionalProperty', propertyNames: 'propertyName' }

function pointerOf (error: Found): string {
  const { params, keyword, instancePath } = error
  const key = params[keyParameters[keyword] ?? '']
  return typeof key === 'string' ? `${instancePath}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}` : instancePath
}

const formats: Record<string, string> = { uuid: 'must be a UUID', 'date-time': 'must be a time like 2026-01-31T12:00:00.000Z' }

function messageOf ({ keyword, params, message }: Found): string {
  switch (keyword) {
    case 'required': return 'is missing'
    case 'additionalProperties': return 'is not a known field'
    case 'propertyNames': return 'is not an allowed name'
    case 'enum': return `must be one of ${list(params['allowedValues'])}`
    case 'type': return `must be ${list(params['type']).replaceAll(', ', ' or ')}`
    case 'maxLength': return `must have at most ${String(params['limit'])} characters`
    case 'minLength': return params['limit'] === 1 ? 'must not be empty' : `must have at least ${String(params['limit'])} characters`
    case 'format': return formats[String(params['format'])] ?? `must be a ${String(params['format'])}`
    case 'pattern': return 'has characters or a form that is not allowed'
    default: return message ?? 'is not valid'
  }
}

function list (values: unknown): string {
  return (Array.isArray(values) ? values : [values]).map(value => value === null ? 'null' : String(value)).join(', ')
}
