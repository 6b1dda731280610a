/** Every error as a problem document (RFC 9457), and every request checked for text no database can hold. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isLostConnection } from '../db/errors.ts'
import { BadRequest, InternalError, InvalidInput, MethodNotAllowed, PayloadTooLarge, RouteNotFound, Unavailable, UnsupportedMediaType, UriTooLong, isProblem, type InvalidPlace, type Problem, type ProblemClass } from '../services/errors.ts'
import { invalidPlaces } from './invalid-places.ts'
import { findUnstorable } from './unstorable-text.ts'

declare module 'fastify' {
  /** The code of the problem that was sent; null where none was. */
  interface FastifyReply { problemCode: string | null }
}

export const problemContentType = 'application/problem+json; charset=utf-8'

/** Fastify's own errors, by their code; others of status 400 are a BadRequest. */
const fastifyErrors = new Map<unknown, ProblemClass>([
  ['FST_ERR_CTP_BODY_TOO_LARGE', PayloadTooLarge],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', UnsupportedMediaType],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', BadRequest],
  ['FST_ERR_MAX_PARAM_LENGTH', UriTooLong]
])

const databaseFull = 'The disk of the database is full: what is there can be read, but nothing new can be stored until there is room.'
const diskFull = 'The disk is full: what is there can be read, but nothing new can be stored until there is room.'
const filesUsedUp = 'The service, or its machine, has as many files open as it may. Try again soon, when some of what is under way has ended.'

/** What passes by itself or is the operator's to mend, by the codes of PostgreSQL (appendix A of its manual) and of the system. */
const shortages = new Map<unknown, { detail: string, retryAfterSec: number }>([
  ['53100', { detail: databaseFull, retryAfterSec: 60 }],
  ['ENOSPC', { detail: diskFull, retryAfterSec: 60 }],
  ['EDQUOT', { detail: diskFull, retryAfterSec: 60 }],
  ['EMFILE', { detail: filesUsedUp, retryAfterSec: 5 }],
  ['ENFILE', { detail: filesUsedUp, retryAfterSec: 5 }]
])

/** The body of a problem answer: `detail` in words, `error` the same for clients of the system this one replaces. */
export function problemDocument (problem: Problem, request: FastifyRequest): Record<string, unknown> {
  return {
    // First, so that none of them takes the place of a standard one.
    ...problem.members,
    type: `urn:berth:problem:${problem.code}`,
    title: problem.title,
    status: problem.statusCode,
    detail: problem.detail,
    // Without the query: it may hold what nobody wants in a log.
    instance: request.url.split('?', 1)[0],
    code: problem.code,
    error: problem.detail,
    requestId: request.id
  }
}

/** Turns whatever was thrown into a problem; what is not meant for clients becomes an InternalError without its message. */
export function toProblem (error: unknown): Problem {
  if (isProblem(error)) return error
  const thrown = error as Partial<FastifyError>
  if (Array.isArray(thrown.validation)) return invalidInput(invalidPlaces(thrown.validation, thrown.validationContext ?? 'body'))
  const status = thrown.statusCode ?? 500
  const Known = fastifyErrors.get(thrown.code)
  if (Known !== undefined) return new Known(clientText(thrown), { cause: error })
  if (status === 503 || isLostConnection(error)) return new Unavailable('The service can not reach its database, or is ending. Try again soon.', { headers: { 'retry-after': '2' }, cause: error })
  const shortage = shortages.get(thrown.code)
  if (shortage !== undefined) return new Unavailable(shortage.detail, { headers: { 'retry-after': String(shortage.retryAfterSec) }, cause: error })
  if (status >= 400 && status < 500) return new BadRequest(clientText(thrown), { cause: error })
  return new InternalError('Something went wrong inside the service. The request id finds it in the log.', { cause: error })
}

function invalidInput (errors: InvalidPlace[]): Problem {
  const first = errors[0]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new InvalidInput(first === undefined ? 'The request is not valid.' : `${first.pointer === '' ? 'The body' : first.pointer} ${first.message}${more}.`, { members: { errors } })
}

/** Query parameters of a route that declares none; others are checked by their schema. */
function unknownParameters ({ routeOptions, query }: FastifyRequest): InvalidPlace[] {
  if (routeOptions.schema?.operationId === undefined || routeOptions.schema.querystring !== undefined) return []
  return Object.keys(query as object).map(name => ({ pointer: `#/query/${name}`, message: 'is not a known parameter' }))
}

/** Messages of Fastify's 4xx errors are about the request and may be shown; this one repeats the whole URL, and would bring its query into the log. */
function clientText (error: Partial<FastifyError>): string {
  if (error.code === 'FST_ERR_BAD_URL') return 'The path is not valid percent-encoded UTF-8.'
  return error.message ?? 'The request can not be understood.'
}

/** Sends what was thrown as a problem; also for Fastify's `frameworkErrors`, such as a URL that can't be decoded. */
export function sendError (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(request, reply, toProblem(error))
}

function sendProblem (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.statusCode >= 500 && problem.statusCode !== 503) request.log.error({ err: problem.cause ?? problem }, 'request failed')
  else request.log.info({ code: problem.code, detail: problem.detail, err: problem.statusCode === 503 ? problem.cause : undefined }, 'request refused')
  reply.problemCode = problem.code
  // Plain JSON: an error must never fail because a declared schema does not fit it.
  return reply.code(problem.statusCode).headers(problem.headers).type(problemContentType)
    .serializer(JSON.stringify).send(problemDocument(problem, request))
}

/** Remembers every route, so that a known path with another method is a 405 with `Allow`, not a 404. */
function rememberRoutes (app: FastifyInstance): (url: string) => string[] {
  const routes = new Map<string, { pattern: RegExp, methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const escaped = url.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]\w*/g, '[^/]+').replace(/\*$/, '.*')
    const route = routes.get(url) ?? { pattern: new RegExp(`^${escaped}/?$`), methods: new Set<string>() }
    for (const one of [method].flat()) route.methods.add(one)
    routes.set(url, route)
  })
  return url => {
    const path = url.split('?', 1)[0] ?? ''
    const fitting = [...routes.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(fitting.flatMap(({ methods }) => [...methods]))].sort()
  }
}

export default fp(async app => {
  const allowedMethods = rememberRoutes(app)

  app.decorateReply('problemCode', null)
  app.setErrorHandler(sendError)

  app.setNotFoundHandler((request, reply) => {
    const methods = allowedMethods(request.url)
    const problem = methods.length === 0 || methods.includes(request.method)
      ? new RouteNotFound(`There is no ${request.method} ${request.url.split('?', 1)[0]}. The paths are listed at /docs.`)
      : new MethodNotAllowed(`${request.method} is not possible here; ${methods.join(', ')} is.`, { headers: { allow: methods.join(', ') } })
    return sendProblem(request, reply, problem)
  })

  // An empty body is no body, so that actions whose fields are all optional can be called without one.
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined)
    else parseJson(request, String(body), done)
  })

  app.addHook('preValidation', async request => {
    if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {}
    const place = findUnstorable(request.body, '') ?? findUnstorable(request.query, '#/query') ?? findUnstorable(request.params, '#/params')
    if (place !== null) throw invalidInput([place])
    const unknown = unknownParameters(request)
    if (unknown.length > 0) throw invalidInput(unknown)
  })
}, { name: 'errors' })
