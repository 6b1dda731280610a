/** Takes the turns that are due and makes their attempts, many at once, few of one webhook. */
import type { RecorderLog } from '../operations/operation-handle.ts'
import { attempt, type AttemptDeps } from './attempt.ts'
import type { TurnJob, TurnQueue } from './queue.ts'

export interface Turns {
  /** Begins what is due; how long to wait before looking again, in milliseconds. */
  step (): Promise<number>
  /** Waits for the attempts under way; the signal cuts them off. */
  close (): Promise<void>
}

export interface TurnsDeps extends AttemptDeps {
  queue: TurnQueue
  log: RecorderLog
  signal: AbortSignal
  /** Calls when there is room again, or when a turn is due so soon that looking now and then is too late. */
  wake: (inMs?: number) => void
}

/** Attempts at once, of all webhooks and of one: a receiver that hangs takes its own places only. */
const maxAttempts = 32
const maxPerWebhook = 4
/** Turns that other hosts made, and those that are due later than this, are found by looking: one statement. */
const lookEveryMs = 5_000

export function createTurns ({ queue, log, signal, wake, ...deps }: TurnsDeps): Turns {
  const running = new Set<Promise<void>>()

  async function run (job: TurnJob): Promise<void> {
    try {
      const nextInMs = await attempt(deps, queue, job, signal)
      if (nextInMs !== null && nextInMs < lookEveryMs) wake(nextInMs)
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, deliveryId: job.data.deliveryId }, 'an attempt to deliver could not be recorded; it is made again')
      await queue.giveBack(job).catch(() => {}) // then its time runs out
    }
  }

  return {
    async step () {
      const free = maxAttempts - running.size
      const jobs = free === 0 ? [] : await queue.take({ limit: free, perGroup: maxPerWebhook })
      for (const job of jobs) {
        const one = run(job).finally(() => {
          running.delete(one)
          wake()
        })
        running.add(one)
      }
      return lookEveryMs
    },
    async close () {
      await Promise.all(running)
    }
  }
}
