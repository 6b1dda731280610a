/** Follows the log of an operation: its lines as they come, and at last how it ended. */
import type { Db } from '../../db/client.ts'
import { listOperationStatuses } from '../../db/workspace-operations.ts'
import type { OperationStatus, WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { endEventId, type LogEvent, type LogFollow, type LogStart } from './log-event.ts'
import type { LogStore } from './log-store.ts'
import type { LogTail, LogTails } from './log-tail.ts'
import { hasEnded, logMissing, type Operations } from './operations.ts'
import type { Recorder, RecorderLog } from './recorder.ts'
import { createRowWatch, type RowWatch } from './row-watch.ts'
import { lineStart, wholeLines } from './tail-lines.ts'
import { createWakeUp } from './wake-up.ts'

export interface OperationStreams {
  /**
   * To follow the log of an operation from a place on; an offset inside a line goes on at the next one.
   * Throws NotFound when the log is not here (any more).
   */
  follow (operation: WorkspaceOperation, start: LogStart): Promise<LogFollow>
}

export interface OperationStreamsDeps {
  db: Db
  operations: Pick<Operations, 'get'>
  logStore: Pick<LogStore, 'pathOf' | 'exists'>
  tails: LogTails
  recorder: Pick<Recorder, 'ended'>
  log: RecorderLog
}

interface Deps extends OperationStreamsDeps {
  watch: RowWatch<OperationStatus>
}

export function createOperationStreams (given: OperationStreamsDeps): OperationStreams {
  const watch = createRowWatch<OperationStatus>({
    read: async ids => new Map((await listOperationStatuses(given.db, ids)).map(({ id, status }) => [id, status])),
    isSame: (a, b) => a === b,
    onFailure: err => given.log.warn({ err }, 'followers of operations can not be told of their ends yet')
  })
  return {
    async follow (operation, start) {
      const { logStore } = given
      const { logRef } = operation
      if (logRef === null || !await logStore.exists(logRef)) throw logMissing(operation)
      return signal => followLog({ ...given, watch }, operation, logStore.pathOf(logRef), start, signal)
    }
  }
}

async function * followLog (deps: Deps, { id, status }: WorkspaceOperation, path: string, start: LogStart, signal: AbortSignal): AsyncGenerator<LogEvent, void, void> {
  const { operations, tails, recorder, watch } = deps
  const { notify, next } = createWakeUp()
  signal.addEventListener('abort', notify)
  const row = watch.follow(id, status, notify)
  // Of an operation of this process nobody has to wait for the next look.
  recorder.ended(id)?.then(watch.look)
  const isOver = () => signal.aborted || row.state === null || hasEnded({ status: row.state })
  let tail: LogTail | null = null
  try {
    tail = await tails.open(path, notify)
    if (tail !== null) yield * linesOf(tail, start, { isOver, next, signal })
    const result = signal.aborted ? null : await operations.get(id)
    if (result !== null) yield { event: 'end', id: endEventId, data: JSON.stringify(result) }
  } finally {
    signal.removeEventListener('abort', notify)
    row.release()
    tail?.release()
  }
}

interface Course {
  /** True once nothing more is written, or nobody wants it. */
  isOver: () => boolean
  /** Waits until something may have changed. */
  next: () => Promise<void>
  signal: AbortSignal
}

async function * linesOf (tail: LogTail, start: LogStart, { isOver, next, signal }: Course): AsyncGenerator<LogEvent, void, void> {
  for (let offset = await lineStart(tail, start); !signal.aborted;) {
    // Asked before the log is read: if it had ended then, everything is in the file.
    const over = isOver()
    const { json, bytes, isAll } = await wholeLines(tail, offset)
    const nextOffset = offset + bytes
    if (bytes > 0) yield { event: 'log', id: String(nextOffset), data: `{"offset":${offset},"nextOffset":${nextOffset},"lines":[${json}]}` }
    offset = nextOffset
    if (isAll && over) return
    if (isAll) await next()
  }
}
