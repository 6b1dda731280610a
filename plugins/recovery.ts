/** Start-up recovery as `app.recovery`: begins when the server listens, in the background; then operations without an owner are looked for. */
import fp from 'fastify-plugin'
import { startSweeping } from '../services/control/ownerless.ts'
import { createRecovery, type Recovery } from '../services/control/recovery.ts'
import { startDesired } from '../services/control/start-desired.ts'

declare module 'fastify' {
  interface FastifyInstance { recovery: Recovery }
}

export default fp(async app => {
  const { db } = app.database
  const { hostId, recorder } = app.operations
  const control = app.runtimeControl
  const recovery = createRecovery({
    db,
    hostId,
    recorder,
    supervisor: control.supervisor,
    startDesired: async signal => await startDesired({ db, hostId, control }, signal),
    finishProvisioning: async row => (await app.workspaces.finishProvisioning(row)).reason,
    finishArchiving: async row => { await app.archival.finishInterrupted(row); return null },
    bootedAt: new Date(),
    log: app.log
  })
  let stopSweeping = async (): Promise<void> => {}
  app.addHook('onListen', async () => {
    stopSweeping = startSweeping({ db, hostId, recorder, log: app.log })
    // Not awaited: requests are answered meanwhile. It never rejects.
    recovery.run().catch(() => {})
  })
  app.addHook('preClose', async () => {
    const closed = recovery.close()
    control.supervisor.cancelStarts(new Error('The service is going down.'))
    await Promise.all([closed, stopSweeping()])
  })
  app.decorate('recovery', recovery)
}, { name: 'recovery', dependencies: ['database', 'operations', 'workspaces', 'runtime-control', 'archival-cleanup'] })
