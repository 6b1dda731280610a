/** Closing and reopening workspaces as `app.archival`. */
import { homedir } from 'node:os'
import fp from 'fastify-plugin'
import type { WorkspaceExplanation } from '../openapi/schemas/explain.ts'
import type { Actor } from '../services/access/actor.ts'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import type { GatherDeps } from '../services/archive/gather.ts'
import { createArchive, type ArchiveControl, type ArchiveControlDeps } from '../services/control/archive.ts'
import { explainWorkspace } from '../services/control/explain.ts'
import { createWorkspaceView } from '../services/control/workspace-view.ts'
import { createGit } from '../services/git/exec.ts'
import { createCurrentServices } from '../services/runtime/current-services.ts'
import { loadCommandContext } from '../services/workspaces/context.ts'
import { commandEnvironmentOf } from './command-environment.ts'

declare module 'fastify' {
  interface FastifyInstance {
    archival: ArchiveControl & {
      /** Why a workspace is as it is. @throws NotFound for what the actor may not see */
      explain (actor: Actor, id: string): Promise<WorkspaceExplanation>
      /** What a look at a workspace needs. */
      readonly gather: GatherDeps
    }
  }
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder } = app.operations
  const { commandTimeoutSec, dataDir } = app.config
  const view = createWorkspaceView({ currentServicesOf: createCurrentServices({ db }) })
  const deps: ArchiveControlDeps = {
    db,
    git: createGit({ launch: app.launch, as: app.children }),
    hostId,
    locks,
    recorder,
    environment: commandEnvironmentOf(app),
    access: createRuntimeAccess({ db }),
    view,
    dataDir,
    homeDir: homedir(),
    requireRoom: app.freeSpace.requireRoom,
    commandTimeoutMs: commandTimeoutSec * 1000,
    now: () => new Date(),
    servicesOf: view.servicesOf,
    loadContext: async row => await loadCommandContext(db, row),
    bringBack: async target => await app.runtimeControl.bringBack(target),
    stopService: async (row, input) => await app.runtimeControl.supervisor.stop(row, input),
    log: app.log
  }
  app.decorate('archival', { ...createArchive(deps), gather: deps, explain: async (actor, id) => await explainWorkspace(deps, actor, id) })
}, { name: 'archival-cleanup', dependencies: ['config', 'launch', 'child-user', 'database', 'free-space', 'operations', 'workspaces', 'runtime-control'] })
