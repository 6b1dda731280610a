/** Runtime services and jobs as `app.runtimeControl`. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { systemActor } from '../services/access/actor.ts'
import { restartService, type RestartDeps } from '../services/control/restart-service.ts'
import { createRuntimeControl, type RuntimeControl } from '../services/control/runtime-control.ts'
import { replan, type SessionDeps } from '../services/control/runtime-session.ts'
import { createWorkspaceView } from '../services/control/workspace-view.ts'
import { createCurrentServices, type CurrentServicesOf } from '../services/runtime/current-services.ts'
import { createLiveServices } from '../services/runtime/live-services.ts'
import { createPorts } from '../services/runtime/ports.ts'
import { createRestarts } from '../services/runtime/restarts.ts'
import { endExited, noteHealth, type EndDeps } from '../services/runtime/service-end.ts'
import { createSupervisor, type Supervisor } from '../services/runtime/supervisor.ts'
import { commandEnvironmentOf } from './command-environment.ts'

export interface RuntimeControlDoor extends RuntimeControl {
  readonly supervisor: Supervisor
  readonly currentServicesOf: CurrentServicesOf
}

declare module 'fastify' {
  interface FastifyInstance { runtimeControl: RuntimeControlDoor }
}

const now = () => new Date()

/** The supervisor, with what it is told of exits and what it restarts leading back to it. */
function superviseOf (app: FastifyInstance, session: SessionDeps): Supervisor {
  const { db } = app.database
  const { hostId, locks, recorder, redactor } = app.operations
  const { dataDir, serviceLogMaxBytes } = app.config
  const { log } = app
  const live = createLiveServices({
    redactor,
    log,
    launch: app.launch,
    onExit: async (service, exit) => await endExited(deps, service, exit),
    onHealth: async (service, state, seen) => await noteHealth(deps, service, state, seen)
  })
  const restarts = createRestarts({ now, log, restart: async id => await restartService(restartDeps, id) })
  const deps: EndDeps = {
    db, hostId, dataDir, serviceLogMaxBytes, ports: session.ports, live, restarts, redactor, locks, now, log, replan: async row => await replan(session, row)
  }
  const supervisor = createSupervisor(deps)
  const restartDeps: RestartDeps = { ...session, locks, recorder, supervisor, now }
  return supervisor
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder, jobs } = app.operations
  const { portRange, stopServicesOnExit } = app.config
  const session: SessionDeps = {
    db,
    ports: createPorts({ db, hostId, range: portRange, now }),
    environment: commandEnvironmentOf(app)
  }
  const supervisor = superviseOf(app, session)
  const currentServicesOf = createCurrentServices({ db })
  const control = createRuntimeControl({
    ...session,
    hostId,
    locks,
    recorder,
    jobs,
    supervisor,
    now,
    log: app.log,
    view: createWorkspaceView({ currentServicesOf }),
    requireRoom: app.freeSpace.requireRoom,
    access: createRuntimeAccess({ db }),
    filesReady: async row => await app.workspaces.realizer.isReady(row),
    ensureFiles: async (row, options) => await app.workspaces.realizer.ensureFiles(row, options),
    readOperation: async id => await app.operations.get(systemActor, id)
  })
  app.addHook('onClose', async () => { await supervisor.close({ stopServices: stopServicesOnExit }) })
  app.decorate('runtimeControl', { ...control, supervisor, currentServicesOf })
}, { name: 'runtime-control', dependencies: ['config', 'launch', 'child-user', 'database', 'free-space', 'operations', 'workspaces'] })
