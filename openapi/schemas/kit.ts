/** The few TypeBox shapes every schema is made from: enumerations, nullables, references, ids and times. */
import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** A closed set of strings: one `enum` keyword, so that a bad value gives one error. */
export function stringEnum<const T extends readonly string[]> (values: T, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
}

/** A closed set of strings, or null. */
export function nullableEnum<const T extends readonly string[]> (values: T, options: object = {}) {
  return Type.Unsafe<T[number] | null>({ type: ['string', 'null'], enum: [...values, null], ...options })
}

/** A string or null; `type: [..., 'null']` serialises far faster than `anyOf`. */
export function nullableString (options: object = {}) {
  return Type.Unsafe<string | null>({ type: ['string', 'null'], ...options })
}

export function nullableInteger (options: object = {}) {
  return Type.Unsafe<number | null>({ type: ['integer', 'null'], ...options })
}

export function nullableBoolean (options: object = {}) {
  return Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], ...options })
}

/** A reference to a named component (`$id`), typed as what it refers to. */
export function ref<T extends TSchema> (schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

/** A named component or null. */
export function nullableRef<T extends TSchema> (schema: T) {
  return Type.Unsafe<Static<T> | null>({ anyOf: [{ $ref: `${schema.$id}#` }, { type: 'null' }] })
}

/** An object whose keys are the client's own. */
export function openObject (options: object = {}) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, ...options })
}

export function nullableOpenObject (options: object = {}) {
  return Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'], additionalProperties: true, ...options })
}

export const uuidPattern = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

export const Uuid = Type.String({ format: 'uuid', pattern: uuidPattern, minLength: 36, maxLength: 36 })
export const NullableUuid = nullableString({ format: 'uuid', pattern: uuidPattern, minLength: 36, maxLength: 36 })

/** RFC 3339, UTC, milliseconds. */
export const Timestamp = Type.String({ format: 'date-time', maxLength: 40 })
export const NullableTimestamp = nullableString({ format: 'date-time', maxLength: 40 })

export const maxNameLength = 200
export const maxPathLength = 4096
export const maxCommandLength = 20_000

export const Name = Type.String({ minLength: 1, maxLength: maxNameLength })
export const NullablePath = nullableString({ minLength: 1, maxLength: maxPathLength })
export const NullableCommand = nullableString({ minLength: 1, maxLength: maxCommandLength })

export const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100, description: 'How many items to answer with.' }))
export const Cursor = Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Where to go on; taken from the `Link` header of the page before.' }))

export const closed = { additionalProperties: false } as const
