/** Turns what the schema of a runtime config says is wrong into places: one message for each, at the exact field. Pure. */
import type { ErrorObject } from 'ajv'
import type { InvalidPlace } from '../errors.ts'

/**
 * The problems of a validator run with `allErrors` and `verbose`. Only ports have a choice of shapes: where an object was
 * written its own fields are told, else what may stand there.
 */
export function shapeProblems (errors: readonly ErrorObject[], pointerPrefix: string): InvalidPlace[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf')
  const places = new Map<string, string>()
  for (const error of errors) {
    if (error.keyword === 'propertyNames') continue
    const pointer = placeOf(error)
    const choice = choices.find(({ instancePath }) => pointer === instancePath || pointer.startsWith(`${instancePath}/`))
    if (choice === undefined) add(places, pointer, messageOf(error))
    else if (!isObject(choice.data)) places.set(choice.instancePath, 'must be a port number (1 to 65535), {value} or {type: "auto", envKey}')
    else if (pointer !== choice.instancePath) add(places, pointer, messageOf(error))
  }
  return [...places].map(([pointer, message]) => ({ pointer: pointerPrefix + pointer, message }))
}

/** The first message of a place is the plainest. */
function add (places: Map<string, string>, pointer: string, message: string): void {
  if (!places.has(pointer)) places.set(pointer, message)
}

function isObject (value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function placeOf ({ instancePath, keyword, params, propertyName }: ErrorObject): string {
  if (keyword === 'required') return `${instancePath}/${escapePointer(String(params['missingProperty']))}`
  if (keyword === 'additionalProperties') return `${instancePath}/${escapePointer(String(params['additionalProperty']))}`
  if (propertyName !== undefined) return `${instancePath}/${escapePointer(propertyName)}`
  return instancePath
}

function messageOf ({ keyword, params, message = 'is not valid', propertyName, parentSchema }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
  if (keyword === 'type') return `must be ${[params['type']].flat().join(' or ')}`
  if (keyword === 'required') return 'is needed'
  if (keyword === 'additionalProperties') return `is not a field here; there are ${Object.keys(parentSchema?.['properties'] ?? {}).join(', ')}`
  return propertyName === undefined ? message : `is no usable name: ${message}`
}

function escapePointer (segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}
