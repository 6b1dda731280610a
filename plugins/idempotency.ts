/** `Idempotency-Key` on POST: the same key and body gives the first answer again. */
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { IdempotencyKey } from '../db/idempotency-keys.ts'
import { createIdempotency } from '../services/idempotency.ts'

declare module 'fastify' {
  interface FastifyRequest { idempotencyKey: IdempotencyKey | null }
}

/** What of an answer belongs to it; request ids and dates are of the request at hand. */
const keptHeaders = ['content-type', 'location', 'etag', 'link']
const sweepEveryMs = 3_600_000

function headersOf (reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(keptHeaders.flatMap(name => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  }))
}

export default fp(async app => {
  const idempotency = createIdempotency({ db: app.database.db, now: () => new Date() })
  app.decorateRequest('idempotencyKey', null)

  const timer = setInterval(() => {
    idempotency.sweep().catch((error: unknown) => app.log.warn({ err: error }, 'old idempotency keys could not be removed'))
  }, sweepEveryMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))

  app.addHook('preHandler', async (request, reply) => {
    const text = request.headers['idempotency-key']
    if (request.method !== 'POST' || typeof text !== 'string' || request.actor.type === 'none') return
    const { kept, key } = await idempotency.claim({ actor: request.actor, path: request.url, key: text, body: request.body })
    if (kept === null) {
      request.idempotencyKey = key
      return
    }
    return await reply.code(kept.status).headers(kept.headers).header('idempotency-replayed', 'true').serializer(String).send(kept.body)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const key = request.idempotencyKey
    if (key === null) return payload
    request.idempotencyKey = null
    // A failure of the service, or "not now", may pass: the same key may try again.
    const mayPass = reply.statusCode >= 500 || reply.statusCode === 409 || reply.statusCode === 429
    try {
      if (mayPass || typeof payload !== 'string') await idempotency.release(key)
      else await idempotency.keep(key, { status: reply.statusCode, headers: headersOf(reply), body: payload })
    } catch (error) {
      // The action itself is done; losing its answer must not turn it into a failure.
      request.log.warn({ err: error }, 'the answer for an idempotency key could not be kept')
    }
    return payload
  })
}, { name: 'idempotency', dependencies: ['database', 'auth', 'errors'] })
