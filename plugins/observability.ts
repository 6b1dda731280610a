/** Request ids, one log line per request, and the numbers of `/metrics` as `app.metrics`. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { createMetrics, type Metrics } from './metrics.ts'

declare module 'fastify' {
  interface FastifyInstance { metrics: Metrics }
}

/** The client's `X-Request-Id` when it is short and printable, else a new one; for Fastify's `genReqId`. */
export function requestIdOf (request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\x21-\x7e]{1,200}$/.test(given) ? given : randomUUID()
}

export default fp(async app => {
  const metrics = createMetrics()
  app.decorate('metrics', metrics)

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })

  app.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000
    // The pattern, not the URL: a label per id would grow without end.
    metrics.countRequest(request.method, request.routeOptions.url ?? 'none', reply.statusCode, seconds)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead && reply.problemCode !== null && reply.statusCode < 500) metrics.countRefusedWrite(reply.problemCode)
    // Neither bodies nor headers, nor the query: what clients put there may be secret.
    const line = { method: request.method, url: request.url.split('?', 1)[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) }
    // Reads are many and change nothing.
    if (isRead) request.log.debug(line, 'request')
    else request.log.info(line, 'request')
  })
}, { name: 'observability', dependencies: ['config', 'errors'] })
