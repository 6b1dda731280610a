/** Where one reader waits for whatever concerns it; a call that comes while it is busy is not lost. */

export interface WakeUp {
  notify: () => void
  /** Resolves at the next `notify`, or at once when one came since the last `next`. One waits at a time. */
  next (): Promise<void>
}

export function createWakeUp (): WakeUp {
  let called = false
  let wake: (() => void) | null = null
  return {
    notify () {
      called = true
      wake?.()
    },
    async next () {
      if (!called) await new Promise<void>(resolve => { wake = resolve })
      wake = null
      called = false
    }
  }
}
