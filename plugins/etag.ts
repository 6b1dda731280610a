/** An `ETag` on every answer that is one resource; `If-None-Match` on GET saves the body. */
import fp from 'fastify-plugin'
import { entityTag, namesTag } from '../services/entity-tag.ts'

interface Resource { id: string, version?: unknown, updatedAt: unknown }

/** One resource of the API: it has an id, and says when it changed. Pages, problems and pairs are none. */
function isResource (payload: unknown): payload is Resource {
  return typeof payload === 'object' && payload !== null && 'id' in payload && typeof payload.id === 'string' && 'updatedAt' in payload
}

export default fp(async app => {
  app.addHook('preSerialization', async ({ method, headers }, reply, payload) => {
    // What is answered while it is still being made (202) is nothing to hold on to.
    if (reply.statusCode >= 300 || reply.statusCode === 202 || !isResource(payload)) return payload
    const tag = entityTag(payload)
    reply.header('etag', tag)
    const given = headers['if-none-match']
    if ((method === 'GET' || method === 'HEAD') && given !== undefined && namesTag(given, tag)) reply.code(304)
    return payload
  })

  app.addHook('onSend', async ({ method }, reply, payload) => {
    // Of HEAD, Fastify takes the body away itself, and measures it first.
    if (reply.statusCode !== 304 || method === 'HEAD') return payload
    reply.removeHeader('content-length')
    reply.removeHeader('content-type')
    return null
  })
}, { name: 'etag' })
