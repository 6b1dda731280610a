/** Upkeep of what all hosts share as `app.upkeep`: while servers listen, one of them does it now and then. */
import fp from 'fastify-plugin'
import { keepShared, type SharedUpkeepReport } from '../services/control/shared-upkeep.ts'
import { startScheduled } from '../services/operations/scheduled-work.ts'

export interface Upkeep {
  /** One round, now; answers what went. */
  keep (): Promise<SharedUpkeepReport>
}

declare module 'fastify' {
  interface FastifyInstance { upkeep: Upkeep }
}

const everyMs = 300_000

export default fp(async app => {
  const { db } = app.database
  const { locks } = app.operations
  const { log, retention: { times } } = app
  const now = () => new Date()
  const closing = new AbortController()
  const keep = async (): Promise<SharedUpkeepReport> => await keepShared({ db, times, now }, closing.signal)

  let stop: (() => Promise<void>) | undefined
  app.addHook('onListen', async () => {
    stop = startScheduled({ db, queues: app.jobQueues, locks, now }, {
      name: 'shared-upkeep',
      everyMs,
      work: async () => log.debug(await keep(), 'removed what was past its time for all hosts'),
      onFailure: err => { if (!closing.signal.aborted) log.warn({ err }, 'what all hosts share could not be kept in order; it is tried again') }
    })
  })
  app.addHook('preClose', async () => {
    closing.abort()
    await stop?.()
  })
  app.decorate('upkeep', { keep })
}, { name: 'upkeep', dependencies: ['database', 'job-queue', 'operations', 'retention'] })
