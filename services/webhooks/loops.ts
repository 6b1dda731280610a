/** Steps that are repeated until the end: woken when there is something to do, and after a while anyway. */
import type { RecorderLog } from '../operations/operation-handle.ts'
import { createWakeUp } from '../operations/wake-up.ts'

export interface Loop {
  /** There is something to do now, or in so many milliseconds. */
  wake (inMs?: number): void
}

export interface Loops {
  /**
   * Begins to repeat a step.
   * @param failure told when a step throws; it is tried again after a while
   * @param step answers how long to wait for a call before the next one, in milliseconds; 0 for not at all
   */
  begin (failure: string, step: () => Promise<number>): Loop
  /** Waits for the steps under way, and begins no other. */
  close (): Promise<void>
}

const afterErrorMs = 5_000

export function createLoops (signal: AbortSignal, log: RecorderLog): Loops {
  const timers = new Set<NodeJS.Timeout>()
  const running: Promise<void>[] = []

  function later (work: () => void, ms: number): () => void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms).unref()
    timers.add(timer)
    return () => {
      clearTimeout(timer)
      timers.delete(timer)
    }
  }

  return {
    begin (failure, step) {
      const { notify, next } = createWakeUp()
      const repeat = async (): Promise<void> => {
        while (!signal.aborted) {
          const pauseMs = await step().catch((error: unknown) => {
            if (!signal.aborted) log.warn({ err: error }, `${failure}; it is tried again`)
            return afterErrorMs
          })
          if (pauseMs === 0 || signal.aborted) continue
          const forget = later(notify, pauseMs)
          await next()
          forget()
        }
      }
      signal.addEventListener('abort', notify)
      running.push(repeat())
      return { wake: inMs => { inMs === undefined ? notify() : later(notify, inMs) } }
    },
    async close () {
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    }
  }
}
