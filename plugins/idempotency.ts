/** `Idempotency-Key` on POST: the same key and body gives the first answer again. */
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { createIdempotency, renewEveryMs, type Claim, type KeptAnswer } from '../services/idempotency.ts'

declare module 'fastify' {
  interface FastifyRequest { idempotencyClaim: Claim | null }
  interface FastifyContextConfig {
    /** Member of the answer that is shown once and stored nowhere: null when the answer is given again. */
    shownOnce?: string
  }
}

/** What of an answer belongs to it; request ids and dates are of the request at hand. */
const keptHeaders = ['content-type', 'location', 'etag', 'link', 'preference-applied']
const sweepEveryMs = 3_600_000

function headersOf (reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(keptHeaders.flatMap(name => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  }))
}

/** The answer as it can be given again; null for one that is not to be kept. */
function answerToKeep (reply: FastifyReply, payload: unknown): KeptAnswer | null {
  const { statusCode: status } = reply
  // A failure of the service, or "not now", may pass: the same key may try again.
  if (status >= 500 || status === 409 || status === 429) return null
  const body = payload ?? ''
  return typeof body === 'string' ? { status, headers: headersOf(reply), body: withoutSecret(reply, body) } : null
}

function withoutSecret (reply: FastifyReply, body: string): string {
  const { shownOnce } = reply.request.routeOptions.config
  if (shownOnce === undefined || reply.statusCode >= 300) return body
  return JSON.stringify({ ...JSON.parse(body) as object, [shownOnce]: null })
}

export default fp(async app => {
  const idempotency = createIdempotency({ db: app.database.db, hostId: app.operations.hostId })
  await idempotency.releaseLeftovers()
  app.decorateRequest('idempotencyClaim', null)

  function every (ms: number, step: () => Promise<void>, failure: string): void {
    const timer = setInterval(() => { step().catch((error: unknown) => app.log.warn({ err: error }, failure)) }, ms)
    timer.unref()
    app.addHook('onClose', async () => clearInterval(timer))
  }
  every(renewEveryMs, idempotency.renew, 'idempotency keys of requests under way could not be renewed')
  every(sweepEveryMs, idempotency.sweep, 'old idempotency keys could not be removed')

  app.addHook('preHandler', async (request, reply) => {
    const text = request.headers['idempotency-key']
    if (request.method !== 'POST' || request.is404 || typeof text !== 'string' || request.actor.type === 'none') return
    const { kept, claim } = await idempotency.claim({ actor: request.actor, path: request.url, key: text, body: request.body })
    request.idempotencyClaim = claim
    if (kept === null) return
    return await reply.code(kept.status).headers(kept.headers).header('idempotency-replayed', 'true').serializer(String).send(kept.body)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const claim = request.idempotencyClaim
    if (claim === null) return payload
    request.idempotencyClaim = null
    const answer = answerToKeep(reply, payload)
    try {
      await (answer === null ? idempotency.release(claim) : idempotency.keep(claim, answer))
    } catch (error) {
      // The action itself is done; losing its answer must not turn it into a failure.
      request.log.warn({ err: error }, 'the answer for an idempotency key could not be kept')
    }
    return payload
  })
}, { name: 'idempotency', dependencies: ['database', 'auth', 'errors', 'operations'] })
