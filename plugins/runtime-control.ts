/** Runtime services and jobs as `app.runtimeControl`. */
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { createRuntimeControl, type RuntimeControl } from '../services/control/runtime-control.ts'
import { systemActor } from '../services/access/actor.ts'
import { createEnvironmentBuilder } from '../services/process/environment.ts'
import { createCurrentServices, type CurrentServicesOf } from '../services/runtime/current-services.ts'
import { createLiveServices } from '../services/runtime/live-services.ts'
import { createPorts } from '../services/runtime/ports.ts'
import { createSupervisor, type Supervisor } from '../services/runtime/supervisor.ts'

export interface RuntimeControlDoor extends RuntimeControl {
  readonly supervisor: Supervisor
  readonly currentServicesOf: CurrentServicesOf
}

declare module 'fastify' {
  interface FastifyInstance { runtimeControl: RuntimeControlDoor }
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder, redactor } = app.operations
  const { commandEnvNames, dataDir, envPrefix, portRange, serviceLogMaxBytes, stopServicesOnExit } = app.config
  const now = () => new Date()
  const { log } = app
  const ports = createPorts({ db, hostId, range: portRange, now })
  const live = createLiveServices({ db, ports, now, log })
  const supervisor = createSupervisor({ db, hostId, dataDir, serviceLogMaxBytes, ports, live, redactor, locks, now })
  const currentServicesOf = createCurrentServices({ db })
  const control = createRuntimeControl({
    db,
    hostId,
    locks,
    recorder,
    supervisor,
    ports,
    now,
    log,
    currentServicesOf,
    environment: createEnvironmentBuilder({ hostEnv: process.env, commandEnvNames, prefix: envPrefix }),
    access: createRuntimeAccess({ db }),
    ensureFiles: async (row, options) => await app.workspaces.realizer.ensureFiles(row, options),
    readOperation: async id => await app.operations.get(systemActor, id)
  })
  app.addHook('onClose', async () => { await supervisor.close({ stopServices: stopServicesOnExit }) })
  app.decorate('runtimeControl', { ...control, supervisor, currentServicesOf })
}, { name: 'runtime-control', dependencies: ['config', 'database', 'operations', 'workspaces'] })
