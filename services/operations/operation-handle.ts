/** One operation under way: its log, its process, what is noted about it, and its end. */
import type { Db } from '../../db/client.ts'
import type { JsonObject, Row } from '../../db/tables.ts'
import { findOperation, updateUnfinishedOperation } from '../../db/workspace-operations.ts'
import type { OperationStatus, WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import type { OperationLogWriter } from './log-writer.ts'
import { toOperation } from './shape.ts'
import { storableJson, storableOrNull } from './storable.ts'

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
  /** Aborts the handle's signal. */
  end (reason: Error): void
  /** Resolves once `finish` is through, whether it could store the result or not. */
  ended: Promise<void>
}

/** The handle of an operation whose row has just been stored. */
export function createOperationHandle ({ db, row, mark, writer, now, log }: HandleOptions): LiveOperation {
  const controller = new AbortController()
  const ended = Promise.withResolvers<void>()
  let metadata: JsonObject | null = row.metadata
  let finishing: Promise<WorkspaceOperation> | null = null

  function annotate (patch: JsonObject): void {
    metadata = { ...metadata, ...patch }
  }

  async function store ({ status, exitCode = null, metadata: last }: OperationFinish): Promise<WorkspaceOperation> {
    const written = await writer.close()
    if (written.failure !== null) log.warn({ err: written.failure, operationId: row.id }, 'the log of an operation is incomplete')
    if (last !== undefined) annotate(last)
    if (written.capped) annotate({ logCapped: true })
    if (written.failure !== null) annotate({ logIncomplete: true })
    const at = now()
    const stored = await updateUnfinishedOperation(db, row.id, {
      status,
      exit_code: exitCode,
      metadata: metadata === null ? null : storableJson(metadata),
      log_bytes: written.bytes,
      log_sha256: written.sha256,
      stdout_excerpt: storableOrNull(written.stdoutExcerpt),
      stderr_excerpt: storableOrNull(written.stderrExcerpt),
      finished_at: at,
      updated_at: at
    })
    // Somebody else has ended it, or the row went with its workspace: what stands in the database holds.
    const current = stored ?? await findOperation(db, row.id)
    if (current !== undefined) return toOperation(current)
    return toOperation({ ...row, status, exit_code: exitCode, metadata, finished_at: at, updated_at: at })
  }

  const handle: OperationHandle = {
    id: row.id,
    mark,
    log: writer,
    signal: controller.signal,
    annotate,
    get finished () { return finishing },
    async attachProcess ({ pid, startTime }) {
      await updateUnfinishedOperation(db, row.id, { process_id: pid, pid_start_time: startTime, updated_at: now() })
    },
    async finish (result) {
      finishing ??= store(result).finally(() => ended.resolve())
      return await finishing
    }
  }
  return { handle, end: (reason) => controller.abort(reason), ended: ended.promise }
}
