/** How much room the data dir's file system has, as `app.freeSpace`, with the brake for new work. */
import fp from 'fastify-plugin'
import { createFreeSpace, type FreeSpace } from '../services/operations/free-space.ts'

declare module 'fastify' {
  interface FastifyInstance { freeSpace: FreeSpace }
}

export default fp(async app => {
  const { dataDir, minFreeBytes } = app.config
  const freeSpace = createFreeSpace({ dataDir, minFreeBytes })
  app.metrics.addGauge('data_dir_free_bytes', 'Free bytes of the file system of the data dir.', async () => (await freeSpace.read()).freeBytes ?? Number.NaN)
  app.decorate('freeSpace', freeSpace)
}, { name: 'free-space', dependencies: ['config', 'observability'] })
