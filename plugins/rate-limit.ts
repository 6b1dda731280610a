/** How many requests an actor may send within a minute; who is nobody is told apart by address. Each process counts for itself. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { actorKey } from '../services/access/actor.ts'
import { TooManyRequests } from '../services/errors.ts'

const windowMs = 60_000

/** Asked by machines that watch the service; they must not be told that it is well but busy. */
const uncounted = new Set(['/healthz', '/readyz', '/metrics'])

/** Who a request counts for. */
export function rateKey ({ actor, ip }: Pick<FastifyRequest, 'actor' | 'ip'>): string {
  return actor.type === 'none' ? `address:${ip}` : actorKey(actor)
}

// Its hooks belong to routes, so they come after that of the auth plugin, which says who is asking.
export default fp(async app => {
  const max = app.config.rateLimitPerMin
  if (max === 0) return
  await app.register(rateLimit, {
    max,
    timeWindow: windowMs,
    hook: 'onRequest',
    keyGenerator: rateKey,
    allowList: request => uncounted.has(request.routeOptions.url ?? ''),
    // RateLimit-Limit, -Remaining and -Reset (draft-ietf-httpapi-ratelimit-headers), beside Retry-After.
    enableDraftSpec: true,
    errorResponseBuilder: (_request, { ttl }) => new TooManyRequests(`More than ${max} requests within a minute. Try again in ${Math.ceil(ttl / 1000)} s.`)
  })
}, { name: 'rate-limit', dependencies: ['config', 'auth', 'errors'] })
