/** Upkeep in the background as `app.retention`: finished logs are compressed, what is past its time is removed. */
import fp from 'fastify-plugin'
import { compressDueLogs } from '../services/operations/log-upkeep.ts'
import { cutoff, removeExpired, type RemovedCounts, type RetentionTimes } from '../services/operations/retention.ts'
import { removeStrayLogs } from '../services/operations/stray-logs.ts'
import { removeServiceLogs } from '../services/runtime/log-retention.ts'

export interface Removed extends RemovedCounts {
  serviceLogs: number
  /** Files of logs no operation names. */
  strayLogs: number
}

export interface Retention {
  readonly times: RetentionTimes
  /** Compresses the logs that are due; answers how many. */
  compress (): Promise<number>
  /** Removes what is past its time; answers what it was. */
  remove (): Promise<Removed>
}

declare module 'fastify' {
  interface FastifyInstance { retention: Retention }
}

const turnEveryMs = 60_000
const removeEveryMs = 3_600_000

/** 0 stands for "for ever". */
const daysOf = (setting: number): number | null => setting === 0 ? null : setting

export default fp(async app => {
  const { db } = app.database
  const { hostId, logStore } = app.operations
  const { dataDir, logCompressAfterSec, retainActivityDays, retainEventDays, retainLogDays, retainOperationDays } = app.config
  const now = () => new Date()
  const logDays = daysOf(retainLogDays)
  const times = { logDays, operationDays: daysOf(retainOperationDays), eventDays: daysOf(retainEventDays), activityDays: daysOf(retainActivityDays) }
  const closing = new AbortController()
  const { signal } = closing
  // One thing at a time: they work on the same files, and nobody waits for them.
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T> (work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => { /* Whoever asked for it is told. */ })
    return mine
  }

  const compress = () => inTurn(async () => await compressDueLogs({ db, hostId, logStore, compressAfterMs: logCompressAfterSec * 1000, now, log: app.log }, signal))
  const remove = () => inTurn(async () => ({
    ...await removeExpired({ db, hostId, logStore, times, now }, signal),
    serviceLogs: await removeServiceLogs({ db, dataDir, logDays, now }, signal),
    strayLogs: logDays === null ? 0 : await removeStrayLogs({ db, dataDir }, cutoff(now(), logDays), signal)
  }))

  let removedAt: number | null = null
  async function turn (): Promise<void> {
    await compress()
    if (removedAt !== null && performance.now() - removedAt < removeEveryMs) return
    removedAt = performance.now()
    app.log.debug(await remove(), 'removed what was past its time')
  }

  let timer: NodeJS.Timeout | null = null
  app.addHook('onListen', async () => {
    timer = setInterval(() => {
      turn().catch((err: unknown) => { if (!signal.aborted) app.log.warn({ err }, 'compressing logs or removing what is past its time did not work; it is tried again') })
    }, turnEveryMs).unref()
  })
  app.addHook('onClose', async () => {
    if (timer !== null) clearInterval(timer)
    closing.abort()
    await last
  })
  app.decorate('retention', { times, compress, remove })
}, { name: 'retention', dependencies: ['config', 'database', 'operations'] })
