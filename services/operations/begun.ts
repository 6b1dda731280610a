/** An action that can be answered before its end: once the operation that spans all of it is there to be asked. */

export interface Begun<T> {
  /** It ends when the whole action does, and tells how. */
  operationId: string
  /** The answer for somebody who does not wait for the end: everything as it is now. */
  answer (): Promise<T>
}

/** Told when an action has begun; never called for one that had nothing to do, or was refused. */
export type OnBegun<T> = (begun: Begun<T>) => void

/** What was answered: how it ended, or how it was when the time was over. */
export type Answered<T> = { hasEnded: true, value: T } | { hasEnded: false, value: T, operationId: string }

export interface Patience {
  /** Milliseconds, from now, after which the answer comes without the end, if the action has begun by then. */
  waitMs: number
  /** Told of a failure that nobody waits for any more. */
  onLateFailure: (error: unknown, operationId: string) => void
}

/**
 * Does an action and answers with its end, or, when that takes longer than `waitMs`, with how it has begun; it goes on
 * then. Throws what the action throws before that.
 */
export async function withPatience<T> ({ waitMs, onLateFailure }: Patience, action: (onBegun: OnBegun<T>) => Promise<T>): Promise<Answered<T>> {
  const begun = Promise.withResolvers<Begun<T>>()
  const timeUp = Promise.withResolvers<void>()
  const timer = setTimeout(timeUp.resolve, waitMs)
  const ended = action(begun.resolve)
  try {
    const early = Promise.all([begun.promise, timeUp.promise]).then(([first]) => first)
    const first = await Promise.race([ended.then(() => null), early])
    if (first === null) return { hasEnded: true, value: await ended }
    const { operationId } = first
    // What can't be shown now is shown when it has ended: a failure here would look as if the action had failed.
    const shown = await first.answer().then(value => ({ value }), () => null)
    if (shown === null) return { hasEnded: true, value: await ended }
    ended.catch((error: unknown) => onLateFailure(error, operationId))
    return { hasEnded: false, value: shown.value, operationId }
  } finally {
    clearTimeout(timer)
  }
}
