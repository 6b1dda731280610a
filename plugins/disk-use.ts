/** The room that workspaces take on the disk as `app.diskUse`; while the server listens it is measured now and then. */
import fp from 'fastify-plugin'
import { sumDiskUse } from '../db/disk-use.ts'
import { measureDue } from '../services/control/disk-upkeep.ts'
import { startRepeated } from '../services/operations/repeated.ts'

export interface DiskUse {
  /** Measures what was not measured for long; answers how many workspaces that were. */
  measure (): Promise<number>
  /** Of all workspaces of this host, as they were measured last; in bytes. */
  total (): Promise<number>
}

declare module 'fastify' {
  interface FastifyInstance { diskUse: DiskUse }
}

const lookEveryMs = 60_000

export default fp(async app => {
  const { db } = app.database
  const { hostId } = app.operations
  const { log } = app
  const closing = new AbortController()
  const diskUse: DiskUse = {
    measure: async () => await measureDue({ db, hostId, log, now: () => new Date() }, closing.signal),
    total: async () => await sumDiskUse(db, hostId)
  }
  app.metrics.addGauge('workspaces_disk_bytes', 'Bytes on disk of all workspaces of this host, as they were measured last.', diskUse.total)

  let stop: (() => Promise<void>) | undefined
  app.addHook('onListen', async () => {
    stop = startRepeated({
      everyMs: lookEveryMs,
      look: diskUse.measure,
      onFailure: (err, again) => { if (!again && !closing.signal.aborted) log.warn({ err }, 'the sizes of workspaces could not be measured; it is tried again') }
    })
  })
  app.addHook('preClose', async () => {
    closing.abort()
    await stop?.()
  })
  app.decorate('diskUse', diskUse)
}, { name: 'disk-use', dependencies: ['database', 'observability', 'operations'] })
