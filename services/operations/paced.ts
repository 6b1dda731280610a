/** Work that has time: a small piece, a pause, the next piece. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Between two pieces; others' queries and writes go first. */
const pauseMs = 50

/**
 * Does pieces until one answers that it was the last, or the signal aborts.
 * @param piece answers whether there may be more
 */
export async function paced (signal: AbortSignal, piece: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted && await piece()) {
    await sleep(pauseMs, null, { signal, ref: false }).catch(() => { /* Aborted: the loop ends. */ })
  }
}
