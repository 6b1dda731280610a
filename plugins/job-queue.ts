/** Queues of jobs in the database as `app.jobQueues`; nothing is started before the first one is opened. */
import fp from 'fastify-plugin'
import { createJobQueues, type JobQueues } from '../db/job-queue.ts'

declare module 'fastify' {
  interface FastifyInstance { jobQueues: JobQueues }
}

export default fp(async app => {
  const queues = createJobQueues(app.database, app.log)
  app.addHook('onClose', async () => { await queues.close() })
  app.decorate('jobQueues', queues)
}, { name: 'job-queue', dependencies: ['database'] })
