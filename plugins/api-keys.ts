/** API keys as `app.apiKeys`. */
import fp from 'fastify-plugin'
import { createApiKeys, type ApiKeys } from '../services/access/api-keys.ts'

declare module 'fastify' {
  interface FastifyInstance { apiKeys: ApiKeys }
}

export default fp(async app => {
  app.decorate('apiKeys', createApiKeys({ db: app.database.db, now: () => new Date() }))
}, { name: 'api-keys', dependencies: ['database'] })
