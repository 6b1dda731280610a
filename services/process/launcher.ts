/** Begins processes through a small process of its own, so that a service with much memory forks fast; without it, itself. */
import { launchHere, type Launch } from './launch.ts'
import { openLauncherLink, type LauncherLink } from './launcher-link.ts'

export interface Launcher {
  launch: Launch
  /** Resolves when the launcher process is up; false when it did not come up and everything is begun here for now. */
  ready (): Promise<boolean>
  /** Ends the launcher process; what it has begun goes on. */
  close (): Promise<void>
}

export interface LauncherDeps {
  /** Told when the launcher process did not start, or ended unasked. All goes on meanwhile, only slower. */
  onTrouble: (error: Error) => void
  /** A launcher process that takes longer to begin one is taken for dead. 60 s unless given: a log on a slow disk is waited for. */
  answerWithinMs?: number
}

/** From an end of the launcher process to the next one's start, doubled each time it did not hold. */
const retry = { firstMs: 100, maxMs: 60_000 }

/** Starts the launcher process; until it is up, and whenever it is not, processes are begun by this one. */
export function createLauncher ({ onTrouble, answerWithinMs = 60_000 }: LauncherDeps): Launcher {
  let link: LauncherLink | null = null
  let pauseMs = retry.firstMs
  let isClosed = false
  let timer: NodeJS.Timeout | null = null
  let starting = start()

  async function start (): Promise<boolean> {
    const opened = await openLauncherLink(answerWithinMs).catch((error: Error) => error)
    if (opened instanceof Error) {
      again(opened)
      return false
    }
    link = opened
    opened.gone.then(() => {
      link = null
      again(new Error('the process that begins others ended'))
    })
    return true
  }

  function again (error: Error): void {
    if (isClosed) return
    onTrouble(error)
    timer = setTimeout(() => { starting = start() }, pauseMs).unref()
    pauseMs = Math.min(pauseMs * 2, retry.maxMs)
  }

  return {
    launch: async request => {
      return link?.isUp() === true ? await link.launch(request) : await launchHere(request)
    },
    ready: async () => await starting,
    async close () {
      isClosed = true
      if (timer !== null) clearTimeout(timer)
      await starting
      await link?.close()
    }
  }
}
