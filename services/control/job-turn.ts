/** Waiting for the turn of a job: said in its row and its log, given up when the operation is told to end. */
import type { JobPlace } from '../operations/job-queue.ts'
import type { OperationHandle } from '../operations/recorder.ts'

/** Resolves when the job may begin. Throws the reason of the operation's signal when that aborts. */
export async function waitForTurn (place: JobPlace, op: OperationHandle): Promise<void> {
  const turn = place.ready()
  if (!place.granted) {
    const begun = performance.now()
    op.log.system('As many jobs run already as may at once; this one waits for its turn.')
    await op.waitInLine()
    await orAborted(turn, op.signal)
    op.log.system(`Its turn has come after ${Math.round(performance.now() - begun)} ms.`)
  }
  op.startTurn()
}

async function orAborted (turn: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([turn, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
