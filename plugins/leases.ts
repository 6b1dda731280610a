/** Run leases as `app.leases`; while the server listens, what is over is released and stopped every few seconds. */
import fp from 'fastify-plugin'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { createLeaseControl, type LeaseControl } from '../services/control/leases.ts'
import { createPolicyStops } from '../services/control/policy-stops.ts'
import { createWorkspaceView } from '../services/control/workspace-view.ts'

declare module 'fastify' {
  interface FastifyInstance { leases: LeaseControl }
}

/** The time a lease or an idle service may go on beyond its own; a look costs two indexed queries. */
const tickEveryMs = 2_000

export default fp(async app => {
  const { db } = app.database
  const { hostId, locks, recorder } = app.operations
  const { log } = app
  const now = () => new Date()
  const control = app.runtimeControl
  const stops = createPolicyStops({ db, hostId, recorder, now, log, stopService: async (row, input) => await control.supervisor.stop(row, input) })
  const leases = createLeaseControl({
    db, hostId, locks, now, log, stops, control, access: createRuntimeAccess({ db }), view: createWorkspaceView(control)
  })

  let timer: NodeJS.Timeout | undefined
  let closing = false
  app.addHook('onListen', async () => {
    // Not before services that go on are known again. Neither of the two rejects.
    app.recovery.run().then(async () => {
      if (closing) return
      timer = setInterval(() => { leases.tick().catch(() => {}) }, tickEveryMs)
      timer.unref()
      await leases.tick()
    }).catch(() => {})
  })
  app.addHook('preClose', async () => {
    closing = true
    clearInterval(timer)
    await leases.close()
  })
  app.decorate('leases', leases)
}, { name: 'leases', dependencies: ['database', 'operations', 'runtime-control', 'recovery'] })
