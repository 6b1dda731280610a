/** The directory as `app.directory`. */
import fp from 'fastify-plugin'
import { createDirectory, type Directory } from '../services/directory/directory.ts'

declare module 'fastify' {
  interface FastifyInstance { directory: Directory }
}

export default fp(async app => {
  const { allowedRoots, dataDir } = app.config
  app.decorate('directory', createDirectory({ db: app.database.db, now: () => new Date(), paths: { allowedRoots, dataDir } }))
}, { name: 'directory', dependencies: ['config', 'database'] })
