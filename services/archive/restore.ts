/** Restores an archived workspace: worktree, branch and files as they were, and the workspace usable again. */
import { dirname } from 'node:path'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import type { WorkspaceStatus } from '../../openapi/schemas/workspace.ts'
import type { Actor } from '../access/actor.ts'
import { RestoreFailed, Unavailable, WorkspaceStateConflict, isProblem } from '../errors.ts'
import { placesOf } from '../folders/stored-folder.ts'
import type { HeldLock } from '../operations/locks.ts'
import { statusWhenEnded } from '../operations/run-step.ts'
import { realPathOf } from '../workspaces/local-paths.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { reasonOf } from './archive.ts'
import { startRun, stepInput, type ArchiveDeps, type ArchiveRun } from './archive-run.ts'
import { lookAt } from './remove-folder.ts'
import { putFilesBack, takeFilesBack } from './restore-files.ts'
import { createRescueState, isBeforeCommands, readRescue, writeRescue } from './rescue-record.ts'
import { changeStatus } from './transitions.ts'

/** A status a restored workspace can have. */
export type RestoredStatus = Extract<WorkspaceStatus, 'active' | 'idle' | 'in_review'>

export interface RestoreInput {
  row: WorkspaceRow
  actor: Actor
  held: HeldLock
  /** What it becomes; `active` unless given. */
  status?: RestoredStatus | undefined
  /** Told once the restore is under way, with its operation. */
  onBegun?: ((operationId: string) => void) | undefined
}

/** A workspace whose files are back; its operation is still under way, for what may follow. */
export interface RestoredWorkspace {
  row: WorkspaceRow
  run: ArchiveRun
}

/**
 * Restores the workspace; `finishRestore` ends its operation. While it is under way the status is `archiving`, so that nothing else touches it and the
 * next start finds it if it is cut off.
 * @throws RestoreFailed (422) when the files can't be brought back: the workspace is as it was before;
 *   WorkspaceStateConflict (409), WorktreeTaken (409), Unavailable (503)
 */
export async function restoreWorkspace (deps: ArchiveDeps, { row, actor, held, status = 'active', onBegun }: RestoreInput): Promise<RestoredWorkspace> {
  if (row.status !== 'archived' && row.status !== 'cleanup_failed') {
    throw new WorkspaceStateConflict(`The workspace is ${row.status}: only an archived one can be restored.`)
  }
  await requirePlainPlace(row)
  const from = row.status
  const record = readRescue(row)
  const op = await deps.recorder.begin(stepInput(row, actor, {
    phase: 'workspace_restore', cwd: row.repo_root ?? row.cwd, metadata: { action: 'restore', rescueRef: record.snapshot?.ref ?? null, rescueArchive: record.folder === null ? null : placesOf(deps.dataDir, record.folder.name).archive }
  }))
  const run = await startRun(op, async () => {
    const rescue = writeRescue({ ...record, restoringFrom: from, madeByRestore: false, claimed: false, restoredBranch: null })
    const begun = await changeStatus({ db: deps.db, row, actor, now: deps.now(), from: [from], patch: { status: 'archiving', rescue }, action: 'updated' })
    return { deps, row: begun, actor, op, state: createRescueState(deps.db, begun), warnings: [] }
  })
  onBegun?.(op.id)
  try {
    await held.nameOperation(op.id)
    await putFilesBack(run)
    return { row: await endRestore(run, status), run }
  } catch (error) {
    return await failRestore(run, row, error)
  }
}

/** A worktree is only made again at the very place it was: no symlink may lead it elsewhere meanwhile. */
async function requirePlainPlace ({ realized_path: path }: WorkspaceRow): Promise<void> {
  if (path === null) return
  if ((await lookAt(path))?.isSymbolicLink() === true) throw new RestoreFailed(`${path} is a symlink by now; nothing was restored.`)
  const parent = dirname(path)
  const real = await realPathOf(parent)
  if (real !== parent) throw new RestoreFailed(`${parent} is reached through a symlink (to ${real}) by now; nothing was restored.`)
}

/** The files are there: the workspace is usable again. */
export async function endRestore ({ deps, row, actor, op, state, warnings }: ArchiveRun, status: RestoredStatus): Promise<WorkspaceRow> {
  const at = deps.now()
  const { restoredBranch } = state.record
  // The branch the worktree is on is the one the workspace is about, unless it was on another one before.
  const branch = restoredBranch !== null && restoredBranch.insteadOf === row.branch_name ? { branch_name: restoredBranch.name, branch_created_by_runtime: true } : {}
  op.refuseCancel('Everything is back already.')
  return await changeStatus({
    db: deps.db,
    row,
    actor,
    now: at,
    from: ['archiving'],
    patch: {
      status,
      closed_at: null,
      cleanup_eligible_at: null,
      cleanup_reason: warnings.length === 0 ? null : warnings.join(' '),
      last_used_at: at,
      ...branch,
      rescue: writeRescue({
        ...state.record,
        restoringFrom: null,
        madeByRestore: false,
        claimed: false,
        removed: false,
        commandsBegun: false,
        commandsDone: false,
        restoredBranch: null,
        // A folder that was still there is as the commands left it.
        beforeCommands: !state.record.madeByRestore && isBeforeCommands(state.record)
      })
    },
    action: 'restored',
    details: { warningCount: warnings.length }
  })
}

/** Ends the operation of a restore that has succeeded, once. */
export async function finishRestore ({ op, warnings }: ArchiveRun): Promise<WorkspaceOperation> {
  return await op.finish({ status: 'succeeded', metadata: { warnings } })
}

/** Takes back what was half made; the workspace is archived as before, unless that fails too. */
async function failRestore (run: ArchiveRun, before: WorkspaceRow, error: unknown): Promise<never> {
  const { op } = run
  if (op.signal.aborted && statusWhenEnded(op.signal) === 'interrupted') {
    await op.finish({ status: 'interrupted' })
    throw new Unavailable('The service is stopping; the workspace is looked after at its next start.', { cause: error })
  }
  op.refuseCancel('The restore has failed, and what it made is being taken back.')
  const reason = op.signal.aborted ? 'It was cancelled.' : reasonOf(error)
  op.log.system(reason)
  try {
    await undoRestore(run, { status: before.status, reason: before.cleanup_reason }, reason)
  } finally {
    await op.finish({ status: op.signal.aborted ? 'cancelled' : 'failed', metadata: { error: { code: isProblem(error) ? error.code : 'restore_failed', detail: reason } } })
  }
  if (isProblem(error)) {
    error.members.operationId ??= op.id
    throw error
  }
  throw new RestoreFailed(reason, { cause: error, members: { operationId: op.id } })
}

/**
 * Ends a restore that did not succeed: `before` when nothing of it is left, else `cleanup_failed` with the reasons.
 * @param reason why it did not succeed, a sentence
 */
export async function undoRestore (run: ArchiveRun, before: { status: WorkspaceStatus, reason: string | null }, reason: string): Promise<WorkspaceRow> {
  const { deps, row, actor, state } = run
  const left = await takeFilesBack(run).then(() => null, (error: unknown) => reasonOf(error))
  const end = left === null
    ? { status: before.status, cleanup_reason: before.reason, ...(state.record.claimed ? { created_by_runtime: false } : {}) }
    : { status: 'cleanup_failed' as const, cleanup_reason: `A restore failed: ${reason} What it made could not be taken back: ${left}` }
  return await changeStatus({
    db: deps.db,
    row,
    actor,
    now: deps.now(),
    from: ['archiving'],
    patch: { ...end, rescue: writeRescue({ ...state.record, restoringFrom: null }) },
    action: left === null ? 'updated' : 'cleanup_failed'
  })
}
