/** Who is asking (`request.actor`), and the guards of mode `local` against web pages the user visits. */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { localBoard, type Actor } from '../services/access/actor.ts'
import { ForeignOrigin } from '../services/errors.ts'
import { isLoopback } from './config.ts'

declare module 'fastify' {
  interface FastifyRequest { actor: Actor }
}

export interface AuthOptions {
  /** Decides who is asking, in place of the mode's own way; for embedding and tests. */
  identify?: ((request: FastifyRequest) => Actor) | undefined
}

/**
 * Refuses what a browser sends on behalf of a foreign page: a rebound `Host` name, a foreign `Origin`, a cross-site
 * fetch. The origin must be this service itself; another loopback port is as foreign, since dev servers live there.
 * @throws ForeignOrigin (403)
 */
export function refuseForeign (headers: FastifyRequest['headers'], publicUrl: string | null): void {
  const { host = '', origin } = headers
  if (!isLoopback(hostName(host))) {
    throw new ForeignOrigin('The Host header must name a loopback address: 127.0.0.1, [::1] or localhost.')
  }
  if (origin !== undefined && origin !== `http://${host}` && origin !== publicUrl) {
    throw new ForeignOrigin('Requests from web pages of another origin are refused.')
  }
  if (headers['sec-fetch-site'] === 'cross-site') {
    throw new ForeignOrigin('Requests from web pages of another site are refused.')
  }
}

/** `localhost:4180` → `localhost`, `[::1]:4180` → `[::1]`; empty for anything else. */
function hostName (host: string): string {
  return /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase() ?? ''
}

export default fp<AuthOptions>(async (app, { identify }) => {
  app.decorateRequest('actor')
  app.addHook('onRequest', async request => {
    if (app.config.authMode === 'local') refuseForeign(request.headers, app.config.publicUrl)
    request.actor = identify === undefined ? localBoard : identify(request)
  })
}, { name: 'auth', dependencies: ['config', 'errors'] })
