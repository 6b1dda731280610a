/** Closing and reopening workspaces as `app.archival`. */
import { homedir } from 'node:os'
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { createArchive, type ArchiveControl } from '../services/control/archive.ts'
import { createWorkspaceView } from '../services/control/workspace-view.ts'
import { createGit } from '../services/git/exec.ts'
import { createEnvironmentBuilder } from '../services/process/environment.ts'
import { createCurrentServices } from '../services/runtime/current-services.ts'
import { loadCommandContext } from '../services/workspaces/context.ts'

declare module 'fastify' {
  interface FastifyInstance { archival: ArchiveControl }
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder } = app.operations
  const { commandEnvNames, commandTimeoutSec, dataDir, envPrefix } = app.config
  const view = createWorkspaceView({ currentServicesOf: createCurrentServices({ db }) })
  app.decorate('archival', createArchive({
    db,
    git: createGit(),
    hostId,
    locks,
    recorder,
    environment: createEnvironmentBuilder({ hostEnv: process.env, commandEnvNames, prefix: envPrefix }),
    access: createRuntimeAccess({ db }),
    view,
    dataDir,
    homeDir: homedir(),
    commandTimeoutMs: commandTimeoutSec * 1000,
    now: () => new Date(),
    servicesOf: async row => (await view.show(row)).runtimeServices,
    loadContext: async row => await loadCommandContext(db, row),
    stopService: async (row, input) => await app.runtimeControl.supervisor.stop(row, input),
    log: app.log
  }))
}, { name: 'archival-cleanup', dependencies: ['config', 'database', 'operations', 'workspaces', 'runtime-control'] })
