/** Headers that tell browsers to do nothing with an answer but show it; `/docs` brings a policy of its own. */
import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

export default fp(async app => {
  await app.register(helmet, {
    // Answers are data: nothing in them is to be loaded, run, framed or sent anywhere.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] } },
    xFrameOptions: { action: 'deny' },
    // Only who terminates TLS in front of the service can promise it.
    strictTransportSecurity: app.config.publicUrl?.startsWith('https://') === true ? { maxAge: 31_536_000, includeSubDomains: false } : false
  })
}, { name: 'security-headers', dependencies: ['config'] })
