/** An `ETag` on every answer that is one resource; `If-None-Match` on GET saves the body. */
import { createHash } from 'node:crypto'
import fp from 'fastify-plugin'

interface Resource { id: string, version?: unknown, updatedAt?: unknown }

/** One resource of the API: it has an id, and says when it changed. Pages, problems and pairs are none. */
function isResource (payload: unknown): payload is Resource {
  return typeof payload === 'object' && payload !== null && 'id' in payload && typeof payload.id === 'string' && 'updatedAt' in payload
}

/**
 * The tag of a resource: its version where it counts one (that is what `If-Match` compares), else a digest of its content.
 */
export function etagOf (resource: Resource): string {
  if (typeof resource.version === 'number') return `"${resource.version}"`
  return `"${createHash('sha256').update(JSON.stringify(resource)).digest('base64url').slice(0, 22)}"`
}

/** True when the header names the tag, weakly or not, or is `*`. */
export function namesTag (header: string, tag: string): boolean {
  return header.trim() === '*' || header.split(',').some(one => one.trim().replace(/^W\//, '') === tag)
}

export default fp(async app => {
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (reply.statusCode >= 300 || !isResource(payload)) return payload
    const tag = etagOf(payload)
    reply.header('etag', tag)
    // A counted version says nothing about the services shown inside, so only digests answer 304.
    const given = request.headers['if-none-match']
    if (request.method === 'GET' && given !== undefined && typeof payload.version !== 'number' && namesTag(given, tag)) reply.code(304)
    return payload
  })

  app.addHook('onSend', async (_request, reply, payload) => {
    if (reply.statusCode !== 304) return payload
    reply.removeHeader('content-length')
    reply.removeHeader('content-type')
    return null
  })
}, { name: 'etag' })
