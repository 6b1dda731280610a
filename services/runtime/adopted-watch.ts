/** The exits of processes that are not our children: they send no event, so they are looked at from time to time. */
import type { ProcessExit } from '../process/spawn.ts'
import { isAlive, type ProcessIdentity } from '../process/tree.ts'

export interface AdoptedWatch {
  /** Settles when the process is gone; its code is known to nobody but its parent. Never settles once closed. */
  exitOf (identity: ProcessIdentity): Promise<ProcessExit>
  close (): void
}

/** Exits must be recorded within a second; a look at one process costs some 20 µs. */
const lookEveryMs = 250

export function createAdoptedWatch (): AdoptedWatch {
  const waiting = new Map<ProcessIdentity, (exit: ProcessExit) => void>()
  let timer: NodeJS.Timeout | null = null

  function look (): void {
    for (const [identity, ended] of waiting) {
      if (isAlive(identity)) continue
      waiting.delete(identity)
      ended({ code: null, signal: null })
    }
    if (waiting.size === 0) close()
  }

  function close (): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }

  return {
    exitOf: async identity => await new Promise<ProcessExit>(resolve => {
      waiting.set(identity, resolve)
      timer ??= setInterval(look, lookEveryMs).unref()
    }),
    close
  }
}
