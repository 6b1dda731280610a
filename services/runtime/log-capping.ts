/** Keeps the logs of running services within their bounds, from time to time. */
import { capLog, mayBeOver } from './log-file.ts'
import type { LiveService, RuntimeLog } from './live-services.ts'

/** A log may pass its limit by what is written in between. */
const capEveryMs = 2_000

/** Caps the logs of the services there are at each turn, until closed. */
export function startCapping (services: () => LiveService[], log: RuntimeLog): { close (): void } {
  async function capAll (): Promise<void> {
    for (const { id, logPath, logMaxBytes } of services()) {
      if (!mayBeOver(logPath, logMaxBytes)) continue
      await capLog(logPath, logMaxBytes).catch((err: unknown) => log.warn({ err, runtimeServiceId: id }, 'the log of a service can not be capped'))
    }
  }
  // One round at a time: copying a large log may take longer than the pause.
  let round: Promise<void> | null = null
  const timer = setInterval(() => {
    round ??= capAll().finally(() => { round = null })
  }, capEveryMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
