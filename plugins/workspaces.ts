/** Execution workspaces as `app.workspaces`. */
import fp from 'fastify-plugin'
import { createWorkspaceControl, type WorkspaceControl } from '../services/control/workspaces.ts'
import type { Archive } from '../services/control/workspace-update.ts'
import { createGit } from '../services/git/exec.ts'
import { createCurrentServices } from '../services/runtime/current-services.ts'
import { createRealizer } from '../services/workspaces/realize.ts'
import { createWorktreePlanner } from '../services/workspaces/worktree-plan.ts'
import { commandEnvironmentOf } from './command-environment.ts'

declare module 'fastify' {
  interface FastifyInstance { workspaces: WorkspaceControl }
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder } = app.operations
  const { allowedRoots, commandTimeoutSec, dataDir, gitHooks } = app.config
  const git = createGit({ hooks: gitHooks, launch: app.launch, as: app.children })
  const environment = commandEnvironmentOf(app)
  const planner = createWorktreePlanner({ db, git, hostId, dataDir, allowedRoots })
  const realizer = createRealizer({ db, git, hostId, locks, recorder, environment, planner, dataDir, commandTimeoutMs: commandTimeoutSec * 1000 })
  // Registered later, since archiving stands on workspaces; asked only once requests come.
  const archive: Archive = {
    requireClosable: async (actor, id, options) => await app.archival.requireClosable(actor, id, options),
    archive: async (actor, id, options) => await app.archival.archive(actor, id, options),
    restore: async (actor, id, options) => await app.archival.restore(actor, id, options)
  }
  app.decorate('workspaces', createWorkspaceControl({
    db, git, hostId, planner, realizer, recorder, archive, allowedRoots, dataDir, requireRoom: app.freeSpace.requireRoom, currentServicesOf: createCurrentServices({ db })
  }))
}, { name: 'workspaces', dependencies: ['config', 'launch', 'child-user', 'database', 'free-space', 'operations'] })
