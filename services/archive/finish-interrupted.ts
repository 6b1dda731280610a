/** Ends what a crash cut off: an archive goes on, a restore is completed or taken back. */
import type { Actor } from '../access/actor.ts'
import type { HeldLock } from '../operations/locks.ts'
import type { OperationFinish } from '../operations/recorder.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { archiveWorkspace, reasonOf, type ArchiveOutcome } from './archive.ts'
import { stepInput, type ArchiveDeps, type ArchiveRun } from './archive-run.ts'
import { endRestore, finishRestore, undoRestore } from './restore.ts'
import { isWhole, putFilesBack } from './restore-files.ts'
import { createRescueState, readRescue } from './rescue-record.ts'

/**
 * Finishes a workspace that is `archiving` although nobody works on it. Afterwards it is `archived`,
 * `cleanup_failed` with the reason, or `active` where a restore had come far enough.
 * @throws only what the database throws, and Unavailable when the service stops
 */
export async function finishWorkspace (deps: ArchiveDeps, row: WorkspaceRow, actor: Actor, held: HeldLock): Promise<ArchiveOutcome> {
  if (readRescue(row).restoringFrom === null) return await archiveWorkspace(deps, { row, actor, held, resumed: true })
  return await finishCutOff(deps, row, actor, held)
}

async function finishCutOff (deps: ArchiveDeps, row: WorkspaceRow, actor: Actor, held: HeldLock): Promise<ArchiveOutcome> {
  const state = createRescueState(deps.db, row)
  const op = await deps.recorder.begin(stepInput(row, actor, { phase: 'workspace_restore', cwd: row.repo_root ?? row.cwd, metadata: { action: 'restore', resumed: true } }))
  const run: ArchiveRun = { deps, row, actor, op, state, warnings: [] }
  try {
    await held.nameOperation(op.id)
    if (row.provider_type !== 'git_worktree') await putFilesBack(run)
    else if (!await isWhole(run)) return await takeBack(run, 'The service stopped while it was restored; restore it again.')
    const restored = await endRestore(run, 'active')
    return { row: restored, operation: await finishRestore(run) }
  } catch (error) {
    return await takeBack(run, reasonOf(error))
  }
}

async function takeBack (run: ArchiveRun, reason: string): Promise<ArchiveOutcome> {
  const { op, state, row } = run
  op.log.system(reason)
  const finish: OperationFinish = { status: 'failed', metadata: { error: { code: 'restore_failed', detail: reason } } }
  try {
    const ended = await undoRestore(run, { status: state.record.restoringFrom ?? 'archived', reason: row.cleanup_reason }, reason)
    return { row: ended, operation: await op.finish(finish) }
  } finally {
    await op.finish(finish)
  }
}
