/** What has to be stored is tried again while the database can't be reached: what was done is not lost with a restart of its server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isLostConnection } from '../../db/errors.ts'

export interface OutageOptions {
  /** For so long it is tried again. */
  withinMs?: number
  firstPauseMs?: number
}

/** A restart or a failover takes seconds, seldom more than a minute. */
const defaultWithinMs = 120_000
const maxPauseMs = 2_000

/**
 * Does something with the database again and again until it can be reached.
 * @param work can be done twice: of a commit that was cut off nobody knows whether it was made
 * @throws what the work throws for another reason, and after `withinMs` for this one
 */
export async function throughOutage<T> (work: () => Promise<T>, { withinMs = defaultWithinMs, firstPauseMs = 100 }: OutageOptions = {}): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await work()
    } catch (error) {
      if (!isLostConnection(error) || performance.now() + pauseMs > deadline) throw error
      await sleep(pauseMs)
    }
  }
}
