/** How routes declare bodies and answers: small wrappers that carry a description, an example and headers. */
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { LinkHeader } from './common.ts'
import { AcceptedHeaders } from './headers.ts'
import { Problem } from './problem.ts'

export interface AnswerOptions {
  /** Shown in the document and by Swagger UI; else the first example of the named component. */
  example?: unknown
  headers?: Record<string, { type: string, description: string }>
}

const json = 'application/json'
const problemJson = 'application/problem+json'

/** What each problem status means anywhere; a route may say it more exactly. */
const problemMeanings = {
  400: 'Malformed: not JSON, an unknown field, a bad id or cursor; `errors` points at each place.',
  401: 'No credential, or one that does not hold.',
  403: 'Not allowed.',
  404: 'There is no such thing, or it may not be seen.',
  405: 'The path exists, but not with this method.',
  409: 'Its present state does not allow it.',
  410: 'It was here once, and is not kept any more.',
  412: 'It was changed since it was read: `If-Match` does not fit.',
  413: 'The body is too large.',
  414: 'A part of the path is far longer than any id.',
  415: 'The body is not `application/json`.',
  422: 'Understood, but impossible; `code` says which rule.',
  429: 'Too many requests.',
  500: 'A mistake of the service; the request id finds it in the log.',
  503: 'Not ready yet, or the database can not be reached.',
  507: 'The disk is nearly full: no new work is begun. `freeBytes` and `neededBytes` say how full.'
} as const

export type ProblemStatus = keyof typeof problemMeanings

/** A named component by reference when it has a name, else the schema itself. */
function inOwnName (schema: TSchema): object {
  return schema.$id === undefined ? schema : { $ref: `${schema.$id}#` }
}

function media (contentType: string, schema: object, example: unknown): object {
  return { [contentType]: { schema, ...(example === undefined ? {} : { example }) } }
}

/**
 * A request body.
 * @param schema a component with an `$id` (referred to by name) or an unnamed schema
 * @param example what Swagger UI fills in; else the component's first `examples` entry
 */
export function body<T extends TSchema> (schema: T, example?: unknown) {
  return Type.Unsafe<Static<T>>({ ...inOwnName(schema), ...(example === undefined ? {} : { 'x-example': example }) })
}

/** The body of an action that takes no settings: none at all, or an empty object. */
export const noSettings = body(Type.Unsafe<Record<string, never> | null>({ type: ['object', 'null'], additionalProperties: false }), {})

/** An answer with one JSON value; put it under its status: `{ 200: answer(Company, 'The company.') }`. */
export function answer<T extends TSchema> (schema: T, description: string, options: AnswerOptions = {}) {
  return Type.Unsafe<Static<T>>({
    description,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    content: media(json, inOwnName(schema), options.example)
  })
}

/** An answer with one resource that has an `ETag`. */
export function resource<T extends TSchema> (schema: T, description: string, options: AnswerOptions = {}) {
  return answer(schema, description, { ...options, headers: { ETag: { type: 'string', description: 'Changes with the resource.' }, ...options.headers } })
}

/** The answer 201: the new resource, its `Location` and its `ETag`. */
export function created<T extends TSchema> (schema: T, description: string, options: AnswerOptions = {}) {
  return resource(schema, description, { ...options, headers: { Location: { type: 'string', description: 'Where the new resource is.' }, ...options.headers } })
}

/** The answer 202 to a request that did not want to wait for the end (`Prefer`): what is under way, its operation in `Location`. */
export function accepted<T extends TSchema> (schema: T, description: string, options: AnswerOptions = {}) {
  return answer(schema, description, { ...options, headers: { ...AcceptedHeaders, ...options.headers } })
}

/** A page of a list: a JSON array, the next page in `Link`. */
export function page<T extends TSchema> (item: T, description: string, options: AnswerOptions = {}) {
  return Type.Unsafe<Static<T>[]>({
    description,
    headers: { ...LinkHeader, ...options.headers },
    content: media(json, { type: 'array', items: inOwnName(item) }, options.example)
  })
}

/**
 * An answer that is a stream of server-sent events.
 * @param example the beginning of such a stream
 * @param data the component that the data of its events is, if it is one
 */
export function eventStream (description: string, example: string, data?: TSchema) {
  const schema = { type: 'string', ...(data === undefined ? {} : { contentSchema: inOwnName(data) }) }
  return Type.Unsafe<string>({ description, content: { 'text/event-stream': { schema, example } } })
}

/** An answer that is the bytes of a file. */
export function bytes (description: string, headers: NonNullable<AnswerOptions['headers']>) {
  return Type.Unsafe<unknown>({ description, headers, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' }, example: 'an untracked thought\n' } } })
}

/** The answer 204. */
export function noContent (description: string) {
  return Type.Null({ description })
}

/** A problem answer of one status, with words of its own. */
export function problem (status: ProblemStatus, description: string = problemMeanings[status]) {
  return Type.Unsafe<Problem>({ description, content: media(problemJson, { $ref: 'Problem#' }, undefined) })
}

/**
 * The problem answers of a route: `{ 200: …, ...problems(404, 409) }`.
 * The document adds those any route can give (400, 401, 403, 429, 500, 503; 413 and 415 where a body is read, 414 with path parameters), so name the others.
 */
export function problems<const S extends readonly ProblemStatus[]> (...statuses: S) {
  return Object.fromEntries(statuses.map(status => [status, problem(status)])) as Record<S[number], ReturnType<typeof problem>>
}
