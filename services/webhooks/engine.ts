/** Keeps deliveries going: looks for events when there may be new ones, and for turns that are due. Costs nothing until the first webhook. */
import type { JobQueues } from '../../db/job-queue.ts'
import { deleteDeliveriesBefore } from '../../db/webhook-deliveries.ts'
import { adoptRestoredDispatch, anyWebhook } from '../../db/webhooks.ts'
import type { EventSignals } from '../operations/event-signals.ts'
import type { RecorderLog } from '../operations/operation-handle.ts'
import type { AttemptDeps } from './attempt.ts'
import { dispatchEvents } from './dispatch.ts'
import { createLoops } from './loops.ts'
import { queueName, type TurnData, type TurnQueue } from './queue.ts'
import { createTurns } from './turns.ts'

export interface EngineDeps extends AttemptDeps {
  queues: JobQueues
  signals: Pick<EventSignals, 'follow'>
  log: RecorderLog
}

export interface WebhookEngine {
  /** Starts it when it is not running; the queue that deliveries go to. */
  start (): Promise<TurnQueue>
  /** Starts it if there are webhooks, and looks again now and then: another host may have made one. */
  startWhenNeeded (): void
  /** There are new deliveries. */
  wake (): void
  /** Attempts under way are cut off, and made again by whoever comes next. */
  close (): Promise<void>
}

/** Events are notified; this is for a notification that got lost. */
const lookForEventsMs = 30_000
/** A transaction that holds events up ends without a word. */
const heldMs = 100
const lookForWebhooksMs = 60_000
const sweepEveryMs = 3_600_000
const sweepAtOnce = 500
const keepEndedMs = 30 * 86_400_000
/** A turn is given to somebody else this long after its attempt must have ended. */
const expiryGraceSec = 15

/** What is open while it runs. */
interface Running {
  queue: TurnQueue
  wakeTurns: () => void
  close: () => Promise<void>
}

async function begin (deps: EngineDeps, signal: AbortSignal): Promise<Running> {
  const { db, queues, signals, log, now, sending } = deps
  const queue = await queues.open<TurnData>(queueName, { expireInSeconds: Math.ceil(sending.timeoutMs / 1000) + expiryGraceSec })
  await adoptRestoredDispatch(db)
  const loops = createLoops(signal, log)
  const turns = createTurns({ ...deps, queue, signal, wake: inMs => dueTurns.wake(inMs) })
  const dueTurns = loops.begin('deliveries that are due could not be looked for', turns.step)
  const events = loops.begin('events could not be looked through for webhooks', async () => {
    const { made, more } = await dispatchEvents({ db, now }, queue)
    if (made > 0) dueTurns.wake()
    return { none: lookForEventsMs, now: 0, soon: heldMs }[more]
  })
  loops.begin('old deliveries could not be removed', async () => {
    const removed = await deleteDeliveriesBefore(db, new Date(now().getTime() - keepEndedMs), sweepAtOnce)
    return removed === sweepAtOnce ? 1 : sweepEveryMs
  })
  const follower = signals.follow(null, () => events.wake())
  return {
    queue,
    wakeTurns: () => dueTurns.wake(),
    async close () {
      follower.release()
      await Promise.all([loops.close(), turns.close()])
    }
  }
}

export function createWebhookEngine (deps: EngineDeps): WebhookEngine {
  const ending = new AbortController()
  let starting: Promise<Running> | null = null
  let running: Running | null = null
  let timer: NodeJS.Timeout | undefined

  async function start (): Promise<TurnQueue> {
    ending.signal.throwIfAborted()
    try {
      running = await (starting ??= begin(deps, ending.signal))
      clearInterval(timer)
      return running.queue
    } catch (error) {
      starting = null
      throw error
    }
  }

  async function look (): Promise<void> {
    try {
      if (await anyWebhook(deps.db)) await start()
    } catch (error) {
      if (!ending.signal.aborted) deps.log.warn({ err: error }, 'webhooks could not be started; it is tried again')
    }
  }

  return {
    start,
    startWhenNeeded () {
      timer = setInterval(() => { look().catch(() => {}) }, lookForWebhooksMs).unref() // it has told of its errors
      look().catch(() => {})
    },
    wake: () => running?.wakeTurns(),
    async close () {
      ending.abort(new Error('the service ends'))
      clearInterval(timer)
      const begun = await starting?.catch(() => null) // who asked for it was told
      await begun?.close()
    }
  }
}
