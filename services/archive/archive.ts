/** Archives a workspace: the steps in their order, each recorded, and an end that tells the truth about the files. */
import { detachIssues } from '../../db/archival.ts'
import type { JsonObject } from '../../db/tables.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import type { Actor } from '../access/actor.ts'
import { CloseBlocked, Unavailable, isProblem } from '../errors.ts'
import { placesOf } from '../folders/stored-folder.ts'
import { GitFailed, gitReason } from '../git/exec.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import type { HeldLock } from '../operations/locks.ts'
import type { OperationFinish } from '../operations/recorder.ts'
import { statusWhenEnded } from '../operations/run-step.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { startRun, stepInput, type ArchiveDeps, type ArchiveRun } from './archive-run.ts'
import { assess } from './close-readiness.ts'
import { gatherFacts, type GatheredFacts } from './gather.ts'
import { shellWord } from './planned-actions.ts'
import { removeFiles } from './remove-files.ts'
import { settleAside } from './remove-worktree.ts'
import { createRescueState, isBeforeCommands, readRescue, writeRescue } from './rescue-record.ts'
import { stopServices } from './stop-services.ts'
import { changeStatus } from './transitions.ts'

export interface ArchiveOutcome {
  row: WorkspaceRow
  /** The one that sums up. */
  operation: WorkspaceOperation
}

/** What an admin has ended so that the workspace can be archived. */
export interface ForcedEnd {
  endedLeases: { leaseId: string, runId: string }[]
  cancelledOperationIds: string[]
}

export interface ArchiveInput {
  row: WorkspaceRow
  actor: Actor
  /** The workspace's lock, held alone. */
  held: HeldLock
  /** It was begun by a process that is gone: nobody is asked again, commands that have run don't run again. */
  resumed: boolean
  /** What was ended for it. */
  forced?: ForcedEnd | null
  /** Told once the workspace is `archiving`, with the operation that spans the whole. */
  onBegun?: ((operationId: string) => void) | undefined
}

/**
 * Archives the workspace. Whatever goes wrong after it was begun leaves the files in place and ends as
 * `cleanup_failed` with the reason; that is an outcome, not an error.
 * @throws CloseBlocked (409) with the close readiness, WorkspaceStateConflict (409),
 *   Unavailable (503) when the service stops meanwhile: the next start goes on
 */
export async function archiveWorkspace (deps: ArchiveDeps, { row, actor, held, resumed, forced = null, onBegun }: ArchiveInput): Promise<ArchiveOutcome> {
  const facts = await gatherFacts(deps, row)
  const readiness = assess(facts)
  if (!resumed && readiness.state === 'blocked') {
    throw new CloseBlocked(readiness.blockingReasons.join(' '), { members: { closeReadiness: readiness } })
  }
  const op = await deps.recorder.begin(stepInput(row, actor, {
    phase: 'worktree_cleanup',
    command: facts.removal.kind === 'worktree' ? `git worktree remove ${shellWord(facts.removal.path)}` : null,
    cwd: row.repo_root ?? row.cwd,
    metadata: { action: 'archive', removal: { ...facts.removal }, ...(resumed ? { resumed } : {}), ...(forced === null ? {} : { forced: { ...forced } }) }
  }))
  const run = await startRun(op, async () => {
    const begun = await begin(deps, row, actor, { ...(resumed ? { resumed } : {}), ...(forced === null ? {} : { forced: { ...forced } }) })
    return { deps, row: begun, actor, op, state: createRescueState(deps.db, begun), warnings: [] }
  })
  onBegun?.(op.id)
  try {
    await held.nameOperation(op.id)
    await runSteps(run, facts)
    return await end(run)
  } catch (error) {
    return await fail(run, error)
  }
}

async function begin ({ db, now }: ArchiveDeps, row: WorkspaceRow, actor: Actor, details: { resumed?: boolean, forced?: JsonObject }): Promise<WorkspaceRow> {
  const record = readRescue(row)
  return await changeStatus({
    db,
    row,
    actor,
    now: now(),
    from: ['active', 'idle', 'in_review', 'cleanup_failed', 'provision_failed', 'archiving'],
    patch: { status: 'archiving', ...(details.resumed === true ? {} : { rescue: writeRescue({ ...record, commandsBegun: false, commandsDone: false, beforeCommands: isBeforeCommands(record), removed: false }) }) },
    action: 'updated',
    details
  })
}

async function runSteps (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  const { deps, row, state, op } = run
  await stopServices(run)
  op.signal.throwIfAborted()
  if (row.mode === 'shared_workspace') await detach(run)
  const wasAside = state.record.aside !== null && !state.record.deleting
  if (wasAside) await settleAside(run)
  await removeFiles(run, wasAside ? await gatherFacts(deps, row) : facts)
}

/** A shared session lets go of its issues: their work goes on in the project workspace. */
async function detach ({ deps, row, actor, op }: ArchiveRun): Promise<void> {
  const at = deps.now()
  const issueIds = await deps.db.transaction().execute(async trx => {
    const ids = await detachIssues(trx, row, at)
    if (ids.length > 0) {
      await recordWorkspaceActivity(trx, row, {
        actor,
        action: 'updated',
        details: { changed: ['linkedIssues'], detachedIssueIds: ids }
      })
    }
    return ids
  })
  if (issueIds.length > 0) op.annotate({ detachedIssueIds: issueIds })
}

async function end (run: ArchiveRun): Promise<ArchiveOutcome> {
  const { deps, row, actor, op, warnings } = run
  const at = deps.now()
  const archived = await changeStatus({
    db: deps.db,
    row,
    actor,
    now: at,
    from: ['archiving'],
    patch: { status: 'archived', closed_at: at, disk_bytes: null, disk_measured_at: null, cleanup_reason: warnings.length === 0 ? null : warnings.join(' ') },
    action: 'archived',
    details: { warningCount: warnings.length, ...keptIn(run) }
  })
  return { row: archived, operation: await op.finish({ status: 'succeeded', metadata: { warnings, ...keptIn(run) } }) }
}

/** Where what was in the folder is kept: a ref of the repository, or an archive in the data dir. */
function keptIn ({ deps, state }: ArchiveRun): { rescueRef: string | null, rescueArchive: string | null } {
  const { snapshot, folder } = state.record
  return { rescueRef: snapshot?.ref ?? null, rescueArchive: folder === null ? null : placesOf(deps.dataDir, folder.name).archive }
}

/** The files are still there, or some of them: says so, and why. */
async function fail (run: ArchiveRun, error: unknown): Promise<ArchiveOutcome> {
  const { deps, row, actor, op, warnings } = run
  if (op.signal.aborted && statusWhenEnded(op.signal) === 'interrupted') {
    await op.finish({ status: 'interrupted' })
    throw new Unavailable('The service is stopping; archiving goes on at its next start.', { cause: error })
  }
  op.refuseCancel('The archive has come to nothing already, and is just being recorded.')
  const reason = op.signal.aborted ? 'It was cancelled.' : reasonOf(error)
  deps.log.warn({ err: error, workspaceId: row.id }, 'a workspace could not be cleaned up')
  op.log.system(reason)
  const finish: OperationFinish = {
    status: op.signal.aborted ? 'cancelled' : 'failed',
    metadata: { warnings, error: { code: isProblem(error) ? error.code : 'cleanup_failed', detail: reason }, ...keptIn(run) }
  }
  try {
    const failed = await changeStatus({
      db: deps.db,
      row,
      actor,
      now: deps.now(),
      from: ['archiving'],
      patch: { status: 'cleanup_failed', cleanup_reason: [reason, ...warnings].join(' ') },
      action: 'cleanup_failed',
      details: { operationId: op.id }
    })
    return { row: failed, operation: await op.finish(finish) }
  } finally {
    // Also when the row can't be changed: an operation nobody works at must not stay `running`.
    await op.finish(finish)
  }
}

/** Why the files are still there, as a sentence. */
export function reasonOf (error: unknown): string {
  const text = isProblem(error) ? error.detail : error instanceof GitFailed ? gitReason(error) : error instanceof Error ? error.message : String(error)
  const sentence = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}
