/** The exits of processes that are not our children: they send no event, so they are looked at from time to time. */
import type { ProcessExit } from '../process/spawn.ts'
import { openLifeLook, type LifeLook } from '../process/life-look.ts'
import type { ProcessIdentity } from '../process/tree.ts'

export interface AdoptedWatch {
  /** Settles when the process is gone; its code is known to nobody but its parent. Never settles once closed. */
  exitOf (identity: ProcessIdentity): Promise<ProcessExit>
  close (): void
}

/** Exits must be recorded within a second; a look at one process costs some 5 µs. */
const lookEveryMs = 250

export function createAdoptedWatch (): AdoptedWatch {
  const waiting = new Map<LifeLook, (exit: ProcessExit) => void>()
  let timer: NodeJS.Timeout | null = null

  function look (): void {
    for (const [process, ended] of waiting) {
      if (process.isAlive()) continue
      forget(process)
      ended({ code: null, signal: null })
    }
    if (waiting.size === 0) stop()
  }

  function forget (process: LifeLook): void {
    waiting.delete(process)
    process.close()
  }

  function stop (): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }

  return {
    exitOf: async identity => await new Promise<ProcessExit>(resolve => {
      waiting.set(openLifeLook(identity), resolve)
      timer ??= setInterval(look, lookEveryMs).unref()
    }),
    close () {
      stop()
      for (const process of waiting.keys()) forget(process)
    }
  }
}
