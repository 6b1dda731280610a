/** Who is asking (`request.actor`), and the guards of mode `local` against web pages the user visits. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Actor } from '../services/access/actor.ts'
import { requireActor } from '../services/access/company-access.ts'
import { createCredentials, type Shown } from '../services/access/credentials.ts'
import { createGatewayReader } from '../services/access/gateway-identity.ts'
import { createTokenVerifier } from '../services/access/jwt.ts'
import { createKeyLogin } from '../services/access/key-login.ts'
import { createRemembered } from '../services/access/remembered.ts'
import { ForeignOrigin } from '../services/errors.ts'
import { isLoopback } from './config.ts'

declare module 'fastify' {
  interface FastifyRequest { actor: Actor }
}

export interface AuthOptions {
  /** Decides who is asking, in place of the mode's own way; for embedding and tests. */
  identify?: ((request: FastifyRequest) => Actor | Promise<Actor>) | undefined
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
  const site = headers['sec-fetch-site']
  // A page of another loopback port is of the same site; images and scripts it asks for carry no Origin. A link may be followed, but not into a frame.
  if (site === 'cross-site' || (site === 'same-site' && headers['sec-fetch-dest'] !== 'document')) {
    throw new ForeignOrigin('Requests from web pages of another site are refused.')
  }
}

/** `localhost:4180` → `localhost`, `[::1]:4180` → `[::1]`; empty for anything else. */
function hostName (host: string): string {
  return /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase() ?? ''
}

/** What a request shows of who is asking. */
function shownBy ({ headers, method, originalUrl, socket }: FastifyRequest): Shown {
  const { authorization, 'x-berth-identity': identity, 'x-run-id': runId } = headers
  // Several of them are one text, which is no identity and no id.
  return { authorization, identity: identity?.toString(), runId: runId?.toString(), method, url: originalUrl, address: socket.remoteAddress }
}

/** Health, the document, the pages of the docs, and paths that do not exist: nobody has to say who they are. */
function isOpen ({ is404, routeOptions: { schema, url = '' } }: FastifyRequest): boolean {
  return is404 || schema?.security?.length === 0 || /^\/docs(\/|$)/.test(url)
}

/** Tells by a request's credentials who is asking. */
function credentialsOf (app: FastifyInstance): (request: FastifyRequest) => Promise<Actor> {
  const { authMode: mode, jwt, gateway } = app.config
  const { db, kind, listen } = app.database
  const remembered = createRemembered({ kind, listen, now: () => performance.now(), log: app.log })
  const keys = createKeyLogin({ db, remembered, now: () => new Date(), onError: err => app.log.warn({ err }, 'that an API key was used could not be noted') })
  app.addHook('onClose', async () => { await Promise.all([keys.close(), remembered.close()]) })
  // Whoever ends a credential here is not answered before it is refused here: a key, an agent, and what goes with a company.
  app.addHook('onSend', ({ method, routeOptions }, _reply, _payload, done) => {
    if (method !== 'GET' && routeOptions.url?.startsWith('/api/companies/') === true) remembered.forget()
    done()
  })
  const onStale = (err: unknown) => app.log.warn({ err }, 'the keys of the token issuer can not be fetched; those from before are used')
  const identify = createCredentials({
    db,
    mode,
    keys,
    remembered,
    verifyToken: jwt === null ? null : createTokenVerifier(jwt, { onStale }),
    readIdentity: gateway === null ? null : createGatewayReader(gateway)
  })
  return async request => await identify(shownBy(request))
}

function warnOfOpenSettings ({ config: { authMode, jwt }, log }: FastifyInstance): void {
  if (authMode !== 'token' || jwt === null) return
  if (jwt.key.kind === 'jwks' && jwt.audience === null) log.warn('BERTH_JWT_AUDIENCE is not set: tokens that the issuer made for other services are taken here too')
  if (jwt.key.kind === 'jwks' && jwt.key.url.startsWith('http://')) log.warn('BERTH_JWKS_URL is not https: whoever can change what comes from there can make tokens')
}

export default fp<AuthOptions>(async (app, options) => {
  const identify = options.identify ?? credentialsOf(app)
  warnOfOpenSettings(app)
  app.decorateRequest('actor')
  app.addHook('onRequest', async request => {
    if (app.config.authMode === 'local') refuseForeign(request.headers, app.config.publicUrl)
    request.actor = isOpen(request) ? { type: 'none' } : await identify(request)
    // Before anything of the request is read.
    if (request.routeOptions.url?.startsWith('/api/') === true) requireActor(request.actor)
  })
}, { name: 'auth', dependencies: ['config', 'database', 'errors'] })
