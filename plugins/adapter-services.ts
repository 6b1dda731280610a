/** Reports of services that other systems run, as `app.adapterServices`. */
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { createAdapterServices, type AdapterServices } from '../services/control/adapter-services.ts'

declare module 'fastify' {
  interface FastifyInstance { adapterServices: AdapterServices }
}

export default fp(async app => {
  const { db } = app.database
  app.decorate('adapterServices', createAdapterServices({ db, locks: app.operations.locks, access: createRuntimeAccess({ db }), now: () => new Date() }))
}, { name: 'adapter-services', dependencies: ['database', 'operations'] })
