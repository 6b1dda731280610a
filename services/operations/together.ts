/** Does for several who ask at the same time what would otherwise be done for each. */
import { setImmediate as turn } from 'node:timers/promises'

/**
 * What is asked for in one turn of the event loop is done by one call of `work`, with what each has asked for in their order.
 * Each waits for that call, and fails with it.
 */
export function together<T> (work: (asked: T[]) => Promise<void>): (one: T) => Promise<void> {
  let asked: T[] = []
  let done: Promise<void> | null = null

  async function next (): Promise<void> {
    await turn()
    const all = asked
    asked = []
    done = null
    await work(all)
  }

  return async one => {
    asked.push(one)
    await (done ??= next())
  }
}
