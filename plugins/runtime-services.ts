/** Runtime services and their logs as `app.runtimeServices`. */
import fp from 'fastify-plugin'
import { createServiceLogs, type ServiceLogs } from '../services/control/service-logs.ts'

declare module 'fastify' {
  interface FastifyInstance { runtimeServices: ServiceLogs }
}

export default fp(async app => {
  const { redactor, tails } = app.operations
  app.decorate('runtimeServices', createServiceLogs({ db: app.database.db, dataDir: app.config.dataDir, redactor, environmentOf: id => app.runtimeControl.supervisor.environmentOf(id), tails, log: app.log }))
}, { name: 'runtime-services', dependencies: ['config', 'database', 'operations', 'runtime-control'] })
