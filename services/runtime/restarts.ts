/** When services that back off are started again: one timer each, none of which outlives a stop. */
import type { RuntimeLog } from './live-services.ts'

export interface Restarts {
  /** Starts the service again at that time; a later call for the same one counts. */
  schedule (id: string, at: Date): void
  /** Nothing will be started for this one. */
  cancel (id: string): void
  /** Cancels all and waits for the restarts under way. */
  close (): Promise<void>
}

export interface RestartsDeps {
  /** Does it, if the row is still backing off. What it throws is logged: the row says what became of it. */
  restart: (id: string) => Promise<void>
  now: () => Date
  log: RuntimeLog
}

export function createRestarts ({ restart, now, log }: RestartsDeps): Restarts {
  const timers = new Map<string, NodeJS.Timeout>()
  const underWay = new Set<Promise<void>>()
  let closed = false

  function begin (id: string): void {
    timers.delete(id)
    const done = restart(id)
      .catch((err: unknown) => log.warn({ err, runtimeServiceId: id }, 'a service could not be restarted'))
      .finally(() => underWay.delete(done))
    underWay.add(done)
  }

  function cancel (id: string): void {
    clearTimeout(timers.get(id))
    timers.delete(id)
  }

  return {
    cancel,
    schedule (id, at) {
      cancel(id)
      if (closed) return
      timers.set(id, setTimeout(() => begin(id), Math.max(0, at.getTime() - now().getTime())).unref())
    },
    async close () {
      closed = true
      for (const id of [...timers.keys()]) cancel(id)
      await Promise.all(underWay)
    }
  }
}
