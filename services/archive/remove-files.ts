/** The part of an archive that touches files: snapshot, commands, removal, branch. */
import { hasSnapshot, type RescueSnapshot } from '../git/rescue.ts'
import { reviveWorktree } from '../git/revive.ts'
import { deleteMergedBranch, findOwnerRepository, listWorktrees, type OwnerRepository } from '../git/worktrees.ts'
import { isDirectory } from '../workspaces/local-paths.ts'
import { repositoryWaitMs, stepInput, warn, type ArchiveRun } from './archive-run.ts'
import { runCloseCommands } from './close-commands.ts'
import type { GatheredFacts } from './gather.ts'
import { mergeTargetOf } from './merge-target.ts'
import { FolderKept, lookAt } from './remove-folder.ts'
import { examineFolder, finishFolderDeletion, refreshFolder, removePlainFolder, rescueFolder, storedBeforeCommands } from './remove-plain-folder.ts'
import { clearEntry, deletionGoesOn, examineWorktree, finishDeletion, removeWorktreeFolder } from './remove-worktree.ts'
import { refreshRescue, takeRescue, type RescueInput } from './take-rescue.ts'

/**
 * Runs the commands and removes what may be removed.
 * @throws FolderKept, RescueFailed and what git says when the files have to stay
 */
export async function removeFiles (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  const { removal } = facts
  if (run.state.record.deleting) return await goOnDeleting(run)
  if (removal.kind === 'refuse') throw new FolderKept(removal.reason)
  if (removal.kind === 'worktree' || (removal.kind === 'gone' && await reviveLost(run))) return await removeWorktree(run, facts)
  if (removal.kind === 'folder') return await removeFolderOf(run, facts)
  await runCommandsOnce(run, facts)
  if (removal.kind === 'keep') warn(run, `${removal.path} is kept: ${removal.reason}.`)
  if (removal.kind === 'gone') {
    await run.state.set({ removed: true })
    await deleteBranchOfLost(run)
  }
}

async function removeWorktree (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  const { deps, row, state, op } = run
  const doomed = await examineWorktree(run)
  const input: RescueInput = { git: deps.git, row, repoRoot: doomed.owner.root, worktreePath: doomed.path, state, now: deps.now, signal: op.signal }
  const first = await rescueBeforeCommands(run, input) ?? await recordRescue(run, input)
  await runCommandsOnce(run, facts)
  op.signal.throwIfAborted()
  if (await removedByCommands(run, doomed.path)) {
    await clearEntry(run, doomed.owner, doomed.path)
    await state.set({ removed: true })
  } else await removeWorktreeFolder(run, doomed, state.record.commandsBegun ? await refreshRescue(input, first) : first)
  op.annotate({ removedPath: doomed.path })
  await deleteBranch(run, doomed.owner)
}

/** Whether the commands have taken the folder away themselves: what was in it is kept, as it was before them. */
async function removedByCommands ({ op, state }: ArchiveRun, path: string): Promise<boolean> {
  if (!state.record.commandsBegun || await lookAt(path) !== null) return false
  op.log.system(`The commands have removed ${path}; what was in it before is kept.`)
  return true
}

/** When a crash cut the commands off, or what came after them: the snapshot of before, which still is what the user had. */
async function rescueBeforeCommands ({ deps, state }: ArchiveRun, { repoRoot }: RescueInput): Promise<RescueSnapshot | null> {
  const { snapshot, commandsBegun } = state.record
  if (!commandsBegun || snapshot === null) return null
  return await hasSnapshot(deps.git, { repoRoot, workspaceId: snapshot.workspaceId }) ? snapshot : null
}

async function removeFolderOf (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  const { op } = run
  const path = await examineFolder(run)
  const first = await storedBeforeCommands(run) ?? await rescueFolder(run, path)
  await runCommandsOnce(run, facts)
  op.signal.throwIfAborted()
  if (await removedByCommands(run, path)) await run.state.set({ removed: true })
  else await removePlainFolder(run, path, run.state.record.commandsBegun ? await refreshFolder(run, path, first) : first)
  op.annotate({ removedPath: path })
}

async function recordRescue (run: ArchiveRun, input: RescueInput): Promise<RescueSnapshot> {
  const { deps, row, actor } = run
  const known = new Set(run.state.record.earlierRefs)
  const step = stepInput(row, actor, { phase: 'workspace_rescue', cwd: input.worktreePath, metadata: { action: 'archive' } })
  const { value } = await deps.recorder.run(step, async op => {
    const snapshot = await takeRescue({ ...input, signal: AbortSignal.any([op.signal, run.op.signal]) })
    op.annotate({ ref: snapshot.ref, headSha: snapshot.headSha, branch: snapshot.branch, counts: snapshot.counts, fileCount: snapshot.fileCount })
    op.log.system(`Everything is kept under ${snapshot.ref}: ${snapshot.fileCount} changed, untracked or chosen ignored files on ${snapshot.headSha ?? 'no commit'}.`)
    return snapshot
  })
  for (const sentence of value.warnings) warn(run, `${sentence}.`)
  const [apart] = run.state.record.earlierRefs.filter(ref => !known.has(ref))
  if (apart !== undefined) warn(run, `What was there before the commands of an archive that failed is kept under ${apart}.`)
  return value
}

/** Once for each archive, also when a crash comes between. */
async function runCommandsOnce (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  if (run.state.record.commandsDone) return
  if (facts.commands.length > 0) await run.state.set({ commandsBegun: true })
  await runCloseCommands(run, facts)
  await run.state.set({ commandsDone: true })
}

/** The content was checked and its deletion begun before a crash: nothing is left to be kept. */
async function goOnDeleting (run: ArchiveRun): Promise<void> {
  const { row, op } = run
  op.refuseCancel(deletionGoesOn)
  if (row.provider_type !== 'git_worktree' && row.realized_path !== null) return await finishFolderDeletion(run, row.realized_path)
  if (row.realized_path === null || row.repo_root === null) throw new FolderKept('the recorded folder and repository are missing')
  const owner = await findOwnerRepository(run.deps.git, row.repo_root)
  await finishDeletion(run, { path: row.realized_path, owner })
  await deleteBranch(run, owner)
}

/**
 * Somebody deleted the folder, but git still has its index: what was staged is lost with that record. The folder
 * is brought back from it, so that the snapshot can hold it. False when git has no record (any more).
 */
async function reviveLost (run: ArchiveRun): Promise<boolean> {
  const { deps, row } = run
  if (row.provider_type !== 'git_worktree' || row.realized_path === null || row.repo_root === null) return false
  const path = row.realized_path
  if (!await isDirectory(row.repo_root)) return false
  const owner = await findOwnerRepository(deps.git, row.repo_root)
  return await alone(run, owner, async () => {
    const entry = (await listWorktrees(deps.git, owner.root)).slice(1).find(tree => tree.path === path)
    if (entry === undefined) return false
    if (entry.locked) throw new FolderKept(`the worktree ${path} is not there, but locked: it may be on a disk that is not connected`)
    await reviveWorktree(deps.git, { repoRoot: owner.root, lostPath: path, path })
    return true
  })
}

async function deleteBranchOfLost (run: ArchiveRun): Promise<void> {
  const { row, deps } = run
  if (row.provider_type !== 'git_worktree' || row.repo_root === null) return
  if (!await isDirectory(row.repo_root)) return warn(run, `The repository ${row.repo_root} is not there; its branches were left alone.`)
  await deleteBranch(run, await findOwnerRepository(deps.git, row.repo_root))
}

/** Deletes the branch that was made for the workspace, if it is merged; else says that it is kept. */
async function deleteBranch (run: ArchiveRun, owner: OwnerRepository): Promise<void> {
  const { deps, row, op } = run
  const branch = row.branch_name
  if (!row.branch_created_by_runtime || branch === null) return
  const { snapshot, last } = run.state.record
  const { deleted, tip, reason, settings } = await alone(run, owner, async () => await deleteMergedBranch(deps.git, { repoRoot: owner.root, branch, baseRef: mergeTargetOf(row), kept: [snapshot?.headSha, last?.headSha] }))
  if (tip === null) return
  if (deleted) {
    op.annotate({ deletedBranch: branch, deletedBranchTip: tip })
    op.log.system(`Deleted the branch ${branch} (it was at ${tip}).`)
    await run.state.set({ deletedBranch: { name: branch, tip, settings } })
  } else warn(run, `The branch ${branch} is kept: ${reason ?? 'it could not be deleted'}.`)
}

async function alone<T> ({ deps, op }: ArchiveRun, { commonDir }: OwnerRepository, step: () => Promise<T>): Promise<T> {
  return await deps.locks.withLock({ resource: `repository:${commonDir}`, mode: 'exclusive', purpose: 'archiving a worktree', operationId: op.id, waitMs: repositoryWaitMs }, step)
}
