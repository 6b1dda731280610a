/** Runs a step under an operation, so that the record tells how it ended whichever way it ends. */
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { Unavailable, isProblem } from '../errors.ts'
import { Cancellation } from './cancellation.ts'
import type { OperationFinish, OperationHandle } from './operation-handle.ts'

/** The reason to abort an operation with when the service itself goes down: it is then `interrupted`, not `cancelled`. */
export class ServiceStopping extends Unavailable {
  constructor () {
    super('The service is stopping; try again soon.', { headers: { 'retry-after': '2' } })
  }
}

/** How an operation ended that was told to end. */
export function statusWhenEnded (signal: AbortSignal): 'cancelled' | 'interrupted' {
  return signal.reason instanceof ServiceStopping ? 'interrupted' : 'cancelled'
}

function failureOf (op: OperationHandle, error: unknown): OperationFinish {
  const message = error instanceof Error ? error.message : String(error)
  return {
    status: op.signal.aborted ? statusWhenEnded(op.signal) : 'failed',
    metadata: { error: isProblem(error) ? { code: error.code, detail: error.detail } : { code: 'internal_error', detail: message } }
  }
}

/** Runs the step and finishes the operation unless the step did; throws what the step threw, naming the operation in it. */
export async function runStep<T> (op: OperationHandle, step: (op: OperationHandle) => Promise<T>): Promise<{ value: T, operation: WorkspaceOperation }> {
  try {
    const value = await step(op)
    return { value, operation: await op.finish({ status: 'succeeded' }) }
  } catch (error) {
    // The reason of an abort is one object for all operations: it names none of them.
    if (isProblem(error) && error !== op.signal.reason) error.members.operationId ??= op.id
    if (op.finished === null) {
      // Who cancelled it is written with the end.
      if (!(error instanceof Cancellation)) op.log.system(error instanceof Error ? error.message : String(error))
      await op.finish(failureOf(op, error))
    }
    throw error
  }
}
