/** What is kept of closed workspaces as `app.rescueFiles`. */
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { createRescueFiles, type RescueFiles } from '../services/control/rescue-files.ts'
import { createGit } from '../services/git/exec.ts'

declare module 'fastify' {
  interface FastifyInstance { rescueFiles: RescueFiles }
}

export default fp(async app => {
  const { db } = app.database
  app.decorate('rescueFiles', createRescueFiles({ db, git: createGit({ launch: app.launch, as: app.children }), dataDir: app.config.dataDir, hostId: app.operations.hostId, access: createRuntimeAccess({ db }) }))
}, { name: 'rescue-files', dependencies: ['child-user', 'database', 'operations'] })
