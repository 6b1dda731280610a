/** Waiting for a condition: look often at first, then less often, never past a deadline. */
import { setTimeout as pause } from 'node:timers/promises'

export interface UntilOptions {
  /** The shortest pause between two looks; the first look is at once. */
  firstMs: number
  /** The longest pause between two looks. */
  maxMs: number
  /** Give up after this long. */
  withinMs: number
  signal?: AbortSignal | undefined
  /** Looks again at once when it settles, however it does. */
  hint?: Promise<unknown> | undefined
  /** Named in the error when time is up: "nothing listens on port 4000". */
  missing?: string | (() => string)
}

/** What is left of a look's answer once it is truthy. */
export type Found<T> = Exclude<T, false | null | undefined | 0 | ''>

/** The condition did not come true in time. */
export class DeadlinePassed extends Error {
  readonly withinMs: number
  constructor (withinMs: number, missing: string) {
    super(`${missing} (waited ${withinMs} ms)`)
    this.name = 'DeadlinePassed'
    this.withinMs = withinMs
  }
}

/** A pause adds no more than this share to what was already waited, so that a quick event is seen quickly. */
const pauseShareOfWait = 0.08

/**
 * Calls `look` until it gives something truthy, and gives that back. Pauses grow with the time
 * already waited (a twelfth of it), within `firstMs` and `maxMs`.
 * @throws DeadlinePassed when `withinMs` is over; the signal's reason when aborted; what `look` throws
 */
export async function until<T> (look: () => T | Promise<T>, options: UntilOptions): Promise<Found<T>> {
  const { firstMs, maxMs, withinMs, signal } = options
  const begun = performance.now()
  const hinted = options.hint === undefined ? null : signalOf(options.hint)
  for (;;) {
    signal?.throwIfAborted()
    const found = await look()
    if (found) return found as Found<T>
    const waitedMs = performance.now() - begun
    const leftMs = withinMs - waitedMs
    if (leftMs <= 0) throw new DeadlinePassed(withinMs, describe(options.missing))
    const nextMs = Math.max(firstMs, Math.min(maxMs, waitedMs * pauseShareOfWait))
    await pauseFor(Math.min(nextMs, leftMs), signal, hinted)
  }
}

/** Aborts when the promise settles. */
function signalOf (hint: Promise<unknown>): AbortSignal {
  const controller = new AbortController()
  hint.finally(() => controller.abort()).catch(() => { /* That it has settled is all that counts. */ })
  return controller.signal
}

/** Ends early when `hinted` aborts; once it has, that counts no more. */
async function pauseFor (ms: number, signal: AbortSignal | undefined, hinted: AbortSignal | null): Promise<void> {
  const either = eitherOf(signal ?? null, hinted?.aborted === true ? null : hinted)
  try {
    await pause(Math.max(1, ms), undefined, either === null ? {} : { signal: either })
  } catch (error) {
    // Node wraps the reason in an AbortError of its own; the caller's reason says more.
    signal?.throwIfAborted()
    if (hinted?.aborted !== true) throw error
  }
}

/** Made only where there are two: one for each of many short pauses shows. */
function eitherOf (one: AbortSignal | null, other: AbortSignal | null): AbortSignal | null {
  return one === null || other === null ? one ?? other : AbortSignal.any([one, other])
}

function describe (missing: UntilOptions['missing']): string {
  if (typeof missing === 'function') return missing()
  return missing ?? 'the condition did not come true'
}
