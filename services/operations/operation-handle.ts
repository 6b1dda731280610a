/** One operation under way: its log, its process, what is noted about it, and its end. */
import type { Db } from '../../db/client.ts'
import type { JsonObject, Row } from '../../db/tables.ts'
import { findOperation, settleOrphan, updateUnfinishedOperation, type OperationPatch } from '../../db/workspace-operations.ts'
import type { OperationStatus, WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import { Cancellation } from './cancellation.ts'
import { recordCancel } from './cancel-activity.ts'
import type { LogSummary, OperationLogWriter } from './log-writer.ts'
import { createTurn } from './operation-turn.ts'
import { maskedJson } from './redact.ts'
import { toOperation } from './shape.ts'
import { storableJson, storableOrNull } from './storable.ts'
import { throughOutage } from './through-outage.ts'

/** The part of a logger that is needed here. */
export interface RecorderLog {
  warn (fields: object, message: string): void
}

export interface OperationFinish {
  status: Exclude<OperationStatus, 'running' | 'queued'>
  exitCode?: number | null
  /** Added to what `begin` and `annotate` gave. */
  metadata?: JsonObject
}

export interface OperationHandle {
  readonly id: string
  /** To be put into the environment of every process of this operation; stored before any of them starts. */
  readonly mark: string
  readonly log: OperationLogWriter
  /** Aborts when the operation is told to end. */
  readonly signal: AbortSignal
  /**
   * From now on it can't be cancelled: it ends soon by itself, or nothing safe is left to go back to. Where it was told to
   * end before, that stands: ask `signal` in the same breath.
   * @param reason for who wants to cancel it, a sentence
   */
  refuseCancel (reason: string): void
  /** Stores that it waits for its turn. */
  waitInLine (): Promise<void>
  /** Its turn has come: it starts anew, `startedAt` too. That is stored in a moment, with its end where that comes first. */
  startTurn (): void
  /** Stores which process works for the operation. */
  attachProcess (identity: ProcessIdentity): Promise<void>
  /** Notes something in the metadata, key by key; stored with the end. */
  annotate (patch: JsonObject): void
  /** Closes the log and stores the result. A second call answers what the first one stored. Not inside a transaction. */
  finish (result: OperationFinish): Promise<WorkspaceOperation>
  /** What `finish` stored (or is storing); null before it was called. */
  readonly finished: Promise<WorkspaceOperation> | null
}

interface HandleOptions {
  db: Db
  row: Row<'workspace_operations'>
  mark: string
  writer: OperationLogWriter
  now: () => Date
  log: RecorderLog
}

export interface LiveOperation {
  handle: OperationHandle
  /** Why it can't be cancelled; null when it can. */
  readonly refusal: string | null
  /** Aborts the handle's signal. */
  end (reason: Error): void
  /** Resolves once `finish` is through, whether it could store the result or not. */
  ended: Promise<void>
}

function logColumns ({ bytes, sha256, stdoutExcerpt, stderrExcerpt }: LogSummary): OperationPatch {
  return { log_bytes: bytes, log_sha256: sha256, stdout_excerpt: storableOrNull(stdoutExcerpt), stderr_excerpt: storableOrNull(stderrExcerpt) }
}

/** The end and, when somebody cancelled it, who: both or neither. Undefined when it had ended before. */
async function storeEnd (db: Db, id: string, reason: unknown, patch: OperationPatch): Promise<Row<'workspace_operations'> | undefined> {
  if (patch.status !== 'cancelled' || !(reason instanceof Cancellation)) return await updateUnfinishedOperation(db, id, patch)
  return await db.transaction().execute(async trx => {
    const ended = await updateUnfinishedOperation(trx, id, patch)
    if (ended !== undefined) await recordCancel(trx, ended, reason.by)
    return ended
  })
}

/** The handle of an operation whose row has just been stored. */
export function createOperationHandle ({ db, row, mark, writer, now, log }: HandleOptions): LiveOperation {
  const controller = new AbortController()
  const ended = Promise.withResolvers<void>()
  let metadata: JsonObject | null = row.metadata
  let refusal: string | null = null
  const turn = createTurn({ db, row, now, log })
  let finishing: Promise<WorkspaceOperation> | null = null

  function annotate (patch: JsonObject): void {
    if (Object.keys(patch).length > 0) metadata = { ...metadata, ...patch }
  }

  async function store ({ status, exitCode = null, metadata: last }: OperationFinish): Promise<WorkspaceOperation> {
    const { reason } = controller.signal
    turn.close()
    if (status === 'cancelled' && reason instanceof Cancellation) {
      writer.system(reason.detail)
      annotate({ cancelledBy: { ...reason.by } })
    }
    const written = await writer.close()
    if (written.failure !== null) log.warn({ err: written.failure, operationId: row.id }, 'the log of an operation is incomplete')
    if (last !== undefined) annotate(last)
    annotate({ ...(written.capped ? { logCapped: true } : {}), ...(written.failure === null ? {} : { logIncomplete: true }) })
    const at = turn.endedBy(now())
    const end = { ...logColumns(written), ...await turn.settled(), status, exit_code: exitCode, metadata: metadata === null ? null : storableJson(maskedJson(writer.mask, metadata)), finished_at: at, updated_at: at }
    const stored = await throughOutage(async () => await storeEnd(db, row.id, reason, end))
    // Somebody else has ended it, or the row went with its workspace: what stands in the database holds.
    const current = stored ?? await throughOutage(async () => await findOperation(db, row.id))
    // Its processes are gone: nothing is left for a new start to look for.
    if (current?.orphaned === true) await settleOrphan(db, row.id, {})
    if (current !== undefined) return toOperation(current)
    return toOperation({ ...row, status, exit_code: exitCode, metadata, finished_at: at, updated_at: at })
  }

  const handle: OperationHandle = {
    id: row.id,
    mark,
    log: writer,
    signal: controller.signal,
    annotate,
    waitInLine: turn.waitInLine,
    startTurn: turn.start,
    refuseCancel (reason) { refusal = reason },
    get finished () { return finishing },
    async attachProcess ({ pid, startTime }) {
      await throughOutage(async () => await updateUnfinishedOperation(db, row.id, { process_id: pid, pid_start_time: startTime, updated_at: now() }))
    },
    async finish (result) {
      finishing ??= store(result).finally(() => ended.resolve())
      return await finishing
    }
  }
  return { handle, get refusal () { return refusal }, end: (reason) => controller.abort(reason), ended: ended.promise }
}
