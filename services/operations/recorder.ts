/** Records operations: the row before anything happens, the log while it happens, the result when it has ended. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import type { JsonObject, NewRow, Row, RowPatch } from '../../db/tables.ts'
import { addedMetadata, insertOperation, interruptOperationsOf, listOrphans, listOwnerless, listUnfinishedOperations, settleOrphan, updateUnfinishedOperation, type OwnerBeat } from '../../db/workspace-operations.ts'
import type { OperationPhase, OperationStatus, WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { settlesWithin } from '../process/settles-within.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import { Cancellation, type Canceller } from './cancellation.ts'
import { NotCancellable } from '../errors.ts'
import { createOperationHandle, type LiveOperation, type OperationHandle, type RecorderLog } from './operation-handle.ts'
import { excerptsOf } from './log-excerpts.ts'
import type { LogStore } from './log-store.ts'
import type { OperationLogWriter } from './log-writer.ts'
import { maskedJson, type Redactor } from './redact.ts'
import { runStep } from './run-step.ts'
import { toOperation } from './shape.ts'
import { storableJson, storableOrNull } from './storable.ts'

export type { OperationFinish, OperationHandle, RecorderLog } from './operation-handle.ts'

export interface OperationInput {
  companyId: string
  executionWorkspaceId: string | null
  projectWorkspaceId: string | null
  heartbeatRunId: string | null
  phase: OperationPhase
  command: string | null
  cwd: string | null
  metadata?: JsonObject | null
}

/** An operation an earlier process of this host left unfinished. */
export interface UnfinishedOperation {
  id: string
  companyId: string
  executionWorkspaceId: string | null
  projectWorkspaceId: string | null
  phase: OperationPhase
  status: OperationStatus
  mark: string | null
  process: ProcessIdentity | null
  metadata: JsonObject | null
}

export interface Interruption {
  /** For people; shown as `metadata.reason`. */
  reason: string
  /** Added to what the operation has noted. */
  metadata?: JsonObject
}

export interface Recorder {
  /** Stores the operation as `running` with its mark and opens its log. Not inside a transaction. */
  begin (input: OperationInput, how?: BeginOptions): Promise<OperationHandle>
  /**
   * Records a step: `succeeded` when it resolves, `failed` when it throws (`cancelled` or `interrupted` when the
   * operation was told to end), unless the step has called `finish` itself. What was thrown is thrown again;
   * a problem of the catalogue then names the operation in `members.operationId`.
   */
  run<T> (input: OperationInput, step: (op: OperationHandle) => Promise<T>, how?: BeginOptions): Promise<{ value: T, operation: WorkspaceOperation }>
  /** Records that a step was not needed, with the reason as its log and in its metadata. */
  skip (input: OperationInput, reason: string): Promise<WorkspaceOperation>
  /** What earlier processes of this host left `running` or `queued`, and what has no host; operations of this process are not among them. */
  unfinished (): Promise<UnfinishedOperation[]>
  /** What another host has put to `interrupted` because this one gave no sign of life; operations of this process are not among them. */
  orphans (): Promise<UnfinishedOperation[]>
  /** Notes that no process of an orphan is left, with the proof. */
  settleOrphan (id: string, metadata: JsonObject): Promise<void>
  /** Puts to `interrupted` what a host without a sign of life left, unless it has given one since. */
  interruptAllOf (owner: OwnerBeat, reason: string): Promise<UnfinishedOperation[]>
  /** The operations under way in this process. */
  underWay (): string[]
  /**
   * Tells an operation to end; false when it is none that is under way in this process.
   * @throws NotCancellable (409) when it can't be ended safely
   */
  cancel (id: string, by: Canceller): boolean
  /** Tells an operation of this process to end whose record somebody else has ended. */
  letGo (id: string): void
  /** Settles when an operation of this process has ended and that is stored; null when it is none that is under way here. */
  ended (id: string): Promise<void> | null
  /** Puts such an operation to `interrupted`: its log is sealed and counted. Null when it had ended already. */
  interrupt (id: string, why: Interruption): Promise<WorkspaceOperation | null>
  /**
   * Tells every operation to end, those that begin later too (their `signal` aborts with this reason), and waits until
   * all under way have finished or `withinMs` is over.
   */
  endAll (reason: Error, withinMs: number): Promise<void>
}

export interface BeginOptions {
  /** Stored as `queued`: it waits for its turn. */
  queued?: boolean
}

export interface RecorderOptions {
  db: Db
  hostId: string
  logStore: LogStore
  /** Masks secrets in commands and reasons. */
  redactor: Redactor
  now?: () => Date
  log: RecorderLog
}

function newRow (id: string, mark: string, input: OperationInput, queued: boolean, { hostId, logStore, redactor, now }: Required<RecorderOptions>): NewRow<'workspace_operations'> {
  const at = now()
  return {
    id,
    company_id: input.companyId,
    execution_workspace_id: input.executionWorkspaceId,
    project_workspace_id: input.projectWorkspaceId,
    heartbeat_run_id: input.heartbeatRunId,
    host_id: hostId,
    phase: input.phase,
    status: queued ? 'queued' : 'running',
    command: storableOrNull(input.command === null ? null : redactor.mask(input.command)),
    cwd: input.cwd,
    log_store: logStore.name,
    log_ref: logStore.refOf(id),
    metadata: input.metadata == null ? null : storableJson(maskedJson(redactor.mask, input.metadata)),
    spawn_mark: mark,
    started_at: at,
    created_at: at,
    updated_at: at
  }
}

function toUnfinished (row: Row<'workspace_operations'>): UnfinishedOperation {
  const { process_id: pid, pid_start_time: startTime } = row
  return {
    id: row.id,
    companyId: row.company_id,
    executionWorkspaceId: row.execution_workspace_id,
    projectWorkspaceId: row.project_workspace_id,
    phase: row.phase,
    status: row.status,
    mark: row.spawn_mark,
    process: pid === null || startTime === null ? null : { pid, startTime },
    metadata: row.metadata
  }
}

/** Read back from the end of a log to show the ends of both streams. */
const excerptBytes = 262_144

/** What can be told about a log whose writer died. */
async function sealedLog ({ logStore, log }: Required<RecorderOptions>, id: string): Promise<RowPatch<'workspace_operations'>> {
  try {
    const logRef = logStore.refOf(id)
    const sealed = await logStore.seal(logRef)
    if (sealed === null) return {}
    const end = await logStore.read(logRef, { offset: Math.max(0, sealed.bytes - excerptBytes), limitBytes: excerptBytes })
    const { stdout, stderr } = excerptsOf(end?.content ?? '')
    return { log_bytes: sealed.bytes, log_sha256: sealed.sha256, stdout_excerpt: storableOrNull(stdout), stderr_excerpt: storableOrNull(stderr) }
  } catch (error) {
    log.warn({ err: error, operationId: id }, 'the log of an interrupted operation can not be sealed')
    return {}
  }
}

async function interruptOperation (deps: Required<RecorderOptions>, id: string, { reason, metadata = {} }: Interruption): Promise<WorkspaceOperation | null> {
  const { db, redactor, now } = deps
  const at = now()
  const row = await updateUnfinishedOperation(db, id, {
    ...await sealedLog(deps, id),
    status: 'interrupted',
    metadata: addedMetadata(storableJson(maskedJson(redactor.mask, { ...metadata, reason }))),
    finished_at: at,
    updated_at: at
  })
  return row === undefined ? null : toOperation(row)
}

/** The operation can't begin, since it has no log or no row: the other is taken back, and the first failure thrown. */
async function takeBack ({ db, logStore, now }: Required<RecorderOptions>, id: string, opened: PromiseSettledResult<OperationLogWriter>, stored: PromiseSettledResult<unknown>): Promise<never> {
  if (stored.status === 'fulfilled') {
    const at = now()
    const failure = { error: { code: 'internal_error', detail: 'Its log could not be opened.' } }
    await updateUnfinishedOperation(db, id, { status: 'failed', metadata: addedMetadata(storableJson(failure)), finished_at: at, updated_at: at })
  }
  if (opened.status === 'rejected') throw opened.reason
  await opened.value.close()
  await logStore.remove(opened.value.logRef)
  throw stored.status === 'rejected' ? stored.reason : new Error('the operation could not begin')
}

function cancelLive (operation: LiveOperation | undefined, id: string, by: Canceller): boolean {
  if (operation === undefined) return false
  const { handle, refusal } = operation
  if (handle.finished !== null || handle.signal.aborted) return true
  if (refusal !== null) throw new NotCancellable(refusal, { members: { operationId: id } })
  operation.end(new Cancellation(by, id))
  return true
}

/** The recorder of one host. */
export function createRecorder (options: RecorderOptions): Recorder {
  const deps: Required<RecorderOptions> = { ...options, now: options.now ?? (() => new Date()) }
  const { db, hostId, logStore, log } = deps
  const live = new Map<string, LiveOperation>()
  let stopping: Error | null = null

  async function begin (input: OperationInput, { queued = false }: BeginOptions = {}): Promise<OperationHandle> {
    const id = randomUUID()
    const mark = randomUUID()
    const [opened, stored] = await Promise.allSettled([logStore.open(id), insertOperation(db, newRow(id, mark, input, queued, deps))])
    if (opened.status === 'rejected' || stored.status === 'rejected') return await takeBack(deps, id, opened, stored)
    const made = createOperationHandle({ ...deps, row: stored.value, mark, writer: opened.value })
    live.set(id, made)
    if (stopping !== null) made.end(stopping)
    made.ended.then(() => live.delete(id))
    return made.handle
  }

  return {
    begin,
    run: async (input, step, how) => await runStep(await begin(input, how), step),
    async skip (input, reason) {
      const op = await begin(input)
      op.log.system(reason)
      return await op.finish({ status: 'skipped', metadata: { reason: deps.redactor.mask(reason) } })
    },
    async unfinished () {
      const rows = [...await listUnfinishedOperations(db, hostId), ...await listOwnerless(db)]
      return rows.filter(row => !live.has(row.id)).map(toUnfinished)
    },
    orphans: async () => (await listOrphans(db, hostId)).filter(row => !live.has(row.id)).map(toUnfinished),
    settleOrphan: async (id, metadata) => await settleOrphan(db, id, { metadata: addedMetadata(storableJson(metadata)) }),
    interruptAllOf: async (owner, reason) => (await interruptOperationsOf(db, owner, storableJson({ reason }))).map(toUnfinished),
    underWay: () => [...live.keys()],
    cancel: (id, by) => cancelLive(live.get(id), id, by),
    letGo (id) {
      const operation = live.get(id)
      // One that is just storing its end has not been ended by somebody else.
      if (operation?.handle.finished === null) operation.end(new Error('Its record was ended by another host.'))
    },
    ended: id => live.get(id)?.ended ?? null,
    interrupt: async (id, why) => await interruptOperation(deps, id, why),
    async endAll (reason, withinMs) {
      stopping = reason
      const all = [...live.values()]
      for (const { end } of all) end(reason)
      await settlesWithin(Promise.allSettled(all.map(({ ended }) => ended)), withinMs)
      if (live.size > 0) log.warn({ operations: [...live.keys()] }, 'operations are still under way; the next start will mark them as interrupted')
    }
  }
}
