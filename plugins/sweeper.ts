/** The sweeper as `app.sweeper`; while the server listens it goes round by itself. */
import fp from 'fastify-plugin'
import { systemActor } from '../services/access/actor.ts'
import { createSweeper, type Sweeper } from '../services/control/sweeper.ts'
import { startScheduled } from '../services/operations/scheduled-work.ts'

declare module 'fastify' {
  interface FastifyInstance { sweeper: Sweeper }
}

export default fp(async app => {
  const { hostId, locks } = app.operations
  const { orphanGraceSec, retainStrayDays, sweepIntervalSec } = app.config
  const { db } = app.database
  const { log } = app
  const now = () => new Date()
  const { archive, gather } = app.archival
  const sweeper = createSweeper({ ...gather, hostId, locks, archive, log, strayGraceMs: orphanGraceSec * 1000, strayRetainDays: retainStrayDays === 0 ? null : retainStrayDays })

  const stopping = new AbortController()
  let stop: (() => Promise<void>) | undefined

  async function goRound (): Promise<void> {
    const { items } = await sweeper.sweep(systemActor, { signal: stopping.signal })
    const done = items.filter(({ outcome }) => outcome !== 'skipped')
    if (done.length > 0) log.info({ items: done.map(({ workspaceId, path, outcome }) => ({ ...(path === null ? { workspaceId } : { path }), outcome })) }, 'the sweeper went round')
  }

  app.addHook('onListen', async () => {
    if (sweepIntervalSec === 0) return
    // Not before what a crash cut off is finished. That does not reject.
    app.recovery.run().then(() => {
      if (stopping.signal.aborted) return
      // Files lie on hosts: each has turns of its own, which a second process on its data dir would share.
      stop = startScheduled({ db, queues: app.jobQueues, locks, now }, {
        name: `sweep-${hostId}`,
        everyMs: sweepIntervalSec * 1000,
        work: goRound,
        onFailure: error => { if (!stopping.signal.aborted) log.warn({ err: error }, 'a round of the sweeper was cut short') }
      })
    }).catch(() => {})
  })
  app.addHook('preClose', async () => {
    stopping.abort()
    await stop?.()
  })
  app.decorate('sweeper', sweeper)
}, { name: 'sweeper', dependencies: ['config', 'database', 'job-queue', 'operations', 'archival-cleanup', 'recovery'] })
