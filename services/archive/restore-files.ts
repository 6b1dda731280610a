/** Brings the files of an archived workspace back, and takes back what a failed restore made. */
import { updateWorkspace } from '../../db/execution-workspaces.ts'
import { BranchMissing, RestoreFailed } from '../errors.ts'
import { restoreBranchSettings } from '../git/branch-settings.ts'
import { resolveCommit } from '../git/branches.ts'
import { gitReason } from '../git/exec.ts'
import { attachSnapshot, branchInstead, hasSnapshot, restoreSnapshot, type RescueSnapshot } from '../git/rescue.ts'
import { addWorktree, findOwnerRepository, type OwnerRepository } from '../git/worktrees.ts'
import { isDirectory } from '../workspaces/local-paths.ts'
import { worktreeStands } from '../workspaces/standing.ts'
import { repositoryWaitMs, warn, type ArchiveRun } from './archive-run.ts'
import { clearEntry, clearHalfMade, entryOf, examineWorktree, finishDeletion, removeWorktreeFolder, settleAside } from './remove-worktree.ts'
import { isBeforeCommands } from './rescue-record.ts'
import { isFree, putFolderBack, takeFolderBack } from './restore-folder.ts'
import { isStill, takeAside } from './take-rescue.ts'

/** A recorded worktree and the repository it belongs to. */
interface Place {
  path: string
  owner: OwnerRepository
}

async function placeOf ({ deps, row }: ArchiveRun): Promise<Place> {
  const { realized_path: path, repo_root: repoRoot } = row
  if (path === null || repoRoot === null) throw new RestoreFailed('The files of this workspace were never made: there is nothing to restore.')
  if (!await isDirectory(repoRoot)) throw new RestoreFailed(`The repository ${repoRoot} is not there.`)
  return { path, owner: await findOwnerRepository(deps.git, repoRoot) }
}

/**
 * Makes the files what they were: from what is kept of them, or finds them in place.
 * @throws RestoreFailed, BranchMissing (422), FolderKept, WorkspaceBusy (409)
 */
export async function putFilesBack (run: ArchiveRun): Promise<void> {
  const { row, state } = run
  if (row.provider_type !== 'git_worktree') return await putFolderBack(run)
  const place = await placeOf(run)
  await settleAside(run)
  if (state.record.deleting) await finishDeletion(run, place)
  if (await isFree(place.path)) return await makeWorktree(run, place)
  const { entry } = await entryOf(run, place.owner.root, place.path)
  if (entry === undefined || state.record.removed) throw new RestoreFailed(`Something else is at ${place.path}; nothing was restored.`)
  if (!await worktreeStands(place.path)) throw new RestoreFailed(`${place.path} is no worktree any more; nothing was touched. Once it is out of the way, what is kept can be restored.`)
  run.op.log.system(`The worktree ${place.path} is still there.`)
  await tellWhatCommandsLeft(run, place)
}

/** The commands of an archive that has failed since may have deleted something: it is kept, but not brought back into what is there. */
async function tellWhatCommandsLeft (run: ArchiveRun, { path, owner }: Place): Promise<void> {
  const { deps, state, op } = run
  const { snapshot } = state.record
  if (snapshot === null || !isBeforeCommands(state.record) || await isStill({ git: deps.git, repoRoot: owner.root, worktreePath: path, signal: op.signal }, snapshot)) return
  warn(run, `The files are not what they were before the commands of the archive; that is kept under ${snapshot.ref}.`)
}

async function makeWorktree (run: ArchiveRun, { path, owner }: Place): Promise<void> {
  const { deps, row, state, op } = run
  const { snapshot } = state.record
  const rescue = { repoRoot: owner.root, workspaceId: snapshot?.workspaceId ?? row.id }
  if (snapshot !== null && !await hasSnapshot(deps.git, rescue)) throw new RestoreFailed(`The snapshot ${snapshot.ref} is not in ${owner.root} any more.`)
  await claim(run)
  await deps.locks.withLock({ resource: `repository:${owner.commonDir}`, mode: 'exclusive', purpose: 'restoring a worktree', operationId: op.id, waitMs: repositoryWaitMs, signal: op.signal }, async () => {
    if (snapshot === null) await attachBranch(run, { path, owner })
    else {
      const branch = await chooseBranch(run, { path, owner }, snapshot)
      await attachSnapshot(deps.git, { repoRoot: owner.root, worktreePath: path, snapshot, signal: op.signal, ...(branch !== null && { branch }) })
    }
    await bringBranchBack(run, owner)
  })
  op.annotate({ restoredPath: path })
  if (snapshot === null) return warn(run, 'There was no snapshot: the files are those of the branch.')
  await fill(run, { path, owner }, snapshot)
}

/** What is made from now on is this service's, and may be taken back by it; stored before it is made. */
async function claim (run: ArchiveRun): Promise<void> {
  const { deps, row, state } = run
  await state.set({ madeByRestore: true, claimed: !row.created_by_runtime })
  const claimed = await updateWorkspace(deps.db, row.id, { created_by_runtime: true, provision_fingerprint: null }, deps.now())
  if (claimed !== undefined) run.row = claimed
}

/** The name of a new branch when the old one is not as it was; told, and stored before it is made. */
async function chooseBranch (run: ArchiveRun, { path, owner }: Place, { branch, headSha }: Pick<RescueSnapshot, 'branch' | 'headSha'>): Promise<string | null> {
  if (branch === null) return null
  const instead = await branchInstead(run.deps.git, { repoRoot: owner.root, worktreePath: path, branch, headSha })
  if (instead === null) return null
  const restoredBranch = { name: instead.name, insteadOf: branch }
  await run.state.set({ restoredBranch })
  run.op.annotate({ restoredBranch })
  const { reason, name } = instead
  warn(run, `${reason.charAt(0).toUpperCase()}${reason.slice(1)}; it was left alone, and the worktree is on the new branch ${name}.`)
  return name
}

async function fill ({ deps, op, warnings, state }: ArchiveRun, { path, owner }: Place, snapshot: RescueSnapshot): Promise<void> {
  const { restoredBranch } = state.record
  op.log.system(`Attached ${restoredBranch?.name ?? snapshot.branch ?? 'no branch'} at ${snapshot.headSha ?? 'no commit'} in ${path}.`)
  const result = await restoreSnapshot(deps.git, { repoRoot: owner.root, worktreePath: path, snapshot, signal: op.signal, otherBranch: restoredBranch !== null })
  op.annotate({ changedFileCount: result.changedFileCount })
  op.log.system(`Brought ${result.changedFileCount} files back to what they were.`)
  for (const sentence of result.warnings) warn({ op, warnings }, `${sentence}.`)
}

/** Without a snapshot there is only the branch: where it is, or where it was when it was deleted as merged. */
async function attachBranch (run: ArchiveRun, { path, owner }: Place): Promise<void> {
  const { deps, row, state } = run
  const branch = row.branch_name
  const deleted = state.record.deletedBranch
  if (branch === null) throw new RestoreFailed('Neither a snapshot nor a branch is recorded: there is nothing to restore.')
  const tip = await resolveCommit(deps.git, owner.root, `refs/heads/${branch}`)
  if (tip !== null) {
    const other = await chooseBranch(run, { path, owner }, { branch, headSha: tip })
    return await addWorktree(deps.git, { repoRoot: owner.root, path, branch: other ?? branch, baseSha: other === null ? null : tip })
  }
  if (deleted === null || deleted.name !== branch) throw new BranchMissing(`There is no snapshot, and the branch ${branch} is gone from ${owner.root}.`)
  await addWorktree(deps.git, { repoRoot: owner.root, path, branch, baseSha: deleted.tip })
}

/** The branch that archiving deleted as merged, also when the worktree was on another one; and its settings. */
async function bringBranchBack (run: ArchiveRun, owner: OwnerRepository): Promise<void> {
  const { deps: { git }, state } = run
  const { deletedBranch } = state.record
  if (deletedBranch === null) return
  const { name, tip, settings = [] } = deletedBranch
  const ref = `refs/heads/${name}`
  const now = await resolveCommit(git, owner.root, ref)
  if (now === null) await git(['update-ref', ref, tip, ''], { cwd: owner.root })
  // One that is elsewhere is somebody else's.
  if (now === null || now === tip) {
    await restoreBranchSettings(git, owner.root, name, settings)
      .catch((error: unknown) => warn(run, `The settings of the branch ${name} could not be brought back: ${gitReason(error)}.`))
  }
  await state.set({ deletedBranch: null })
}

/** Whether a restore that was cut off had come to its end: everything is there as it was stored. */
export async function isWhole (run: ArchiveRun): Promise<boolean> {
  const { deps, state, op } = run
  const { path, owner } = await placeOf(run)
  const { entry } = await entryOf(run, owner.root, path)
  if (entry === undefined || entry.locked || await isFree(path)) return false
  const { snapshot } = state.record
  return snapshot === null || !state.record.madeByRestore ||
    await isStill({ git: deps.git, repoRoot: owner.root, worktreePath: path, signal: op.signal, otherBranch: state.record.restoredBranch !== null }, snapshot)
}

/**
 * Takes back the files that a failed restore made; nothing when it made none. What is in a worktree by now goes into a
 * snapshot of its own first.
 * @throws FolderKept, RescueFailed when it has to stay
 */
export async function takeFilesBack (run: ArchiveRun): Promise<void> {
  const { row, state } = run
  if (!state.record.madeByRestore) return
  if (row.provider_type === 'git_worktree') await takeWorktreeBack(run)
  else if (row.realized_path !== null) await takeFolderBack(run, row.realized_path)
  await state.set({ madeByRestore: false })
}

async function takeWorktreeBack (run: ArchiveRun): Promise<void> {
  const { deps, row, state } = run
  const { path, owner } = await placeOf(run)
  if (state.record.deleting) await finishDeletion(run, { path, owner })
  await settleAside(run)
  await clearHalfMade(run, { path, owner })
  if (await isFree(path)) await clearEntry(run, owner, path)
  else {
    const doomed = await examineWorktree(run)
    // The operation's own signal may be the reason for all this: taking back goes on regardless.
    const signal = new AbortController().signal
    const kept = await takeAside({ git: deps.git, row, repoRoot: owner.root, worktreePath: path, state, now: deps.now, signal })
    await removeWorktreeFolder(run, doomed, kept, signal)
  }
  await forgetBranch(run, owner)
}

/** The branch that the restore made goes again, unless somebody has committed to it: what it was at is in the snapshot. */
async function forgetBranch ({ deps, state }: ArchiveRun, owner: OwnerRepository): Promise<void> {
  const { restoredBranch, snapshot } = state.record
  if (restoredBranch === null) return
  const ref = `refs/heads/${restoredBranch.name}`
  const tip = await resolveCommit(deps.git, owner.root, ref)
  if (tip !== null && tip === snapshot?.headSha) await deps.git(['update-ref', '-d', ref, tip], { cwd: owner.root })
  await state.set({ restoredBranch: null })
}
