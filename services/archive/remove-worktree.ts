/** Takes a worktree away without losing anything: judged, renamed aside, looked at once more, and only then deleted. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RescueSnapshot } from '../git/rescue.ts'
import { isMarkedAsOurs } from '../git/own-mark.ts'
import { findEntry } from '../git/revive.ts'
import { findOwnerRepository, listWorktrees, removeWorktree, type OwnerRepository, type Worktree } from '../git/worktrees.ts'
import { rowStrategy } from '../workspaces/strategy.ts'
import { worktreeParent } from '../workspaces/worktree-path.ts'
import { repositoryWaitMs, type ArchiveRun } from './archive-run.ts'
import { isLocked, judgeRemoval } from './gather.ts'
import { contains } from './path-safety.ts'
import { FolderKept, asidePathOf, assertNoMounts, lookAt, putBack, removeFolder, renameAside } from './remove-folder.ts'
import { isStill } from './take-rescue.ts'

/** Half a folder is nothing to go back to, and all of it is kept. */
export const deletionGoesOn = 'Everything is kept in the snapshot and the files are being deleted: it can not be cancelled any more. Restore the workspace to have them back.'

/** A worktree that may go, and the repository that owns it. */
export interface DoomedWorktree {
  path: string
  owner: OwnerRepository
}

/** What git says about the worktree at a path (or at its aside place, which git may have learned meanwhile). */
export async function entryOf (run: ArchiveRun, repoRoot: string, path: string): Promise<{ entry: Worktree | undefined, others: Worktree[] }> {
  const all = await listWorktrees(run.deps.git, repoRoot)
  const places = [path, asidePathOf(path, run.row.id)]
  const entry = all.slice(1).find(tree => places.includes(tree.path))
  return { entry, others: all.filter(tree => tree !== entry) }
}

/**
 * Makes sure that the workspace's folder is a worktree that may be removed.
 * @throws FolderKept with the reason when it may not
 */
export async function examineWorktree (run: ArchiveRun): Promise<DoomedWorktree> {
  const { deps, row } = run
  const verdict = await judgeRemoval(deps, row)
  if (!verdict.ok) throw new FolderKept(verdict.reason)
  const path = verdict.realPath
  if (row.repo_root === null) throw new FolderKept(`${path} has no recorded repository`)
  const owner = await findOwnerRepository(deps.git, row.repo_root)
  const { entry, others } = await entryOf(run, owner.root, path)
  if (entry === undefined) throw new FolderKept(`git does not list ${path} as a worktree of ${owner.root}`)
  if (!await isMarkedAsOurs(path) && !contains(placeOf(run, owner), path)) throw new FolderKept(`${path} is a worktree that this service did not add`)
  if (entry.locked) throw new FolderKept(`the worktree ${path} is locked (git worktree unlock releases it)`)
  const nested = others.find(tree => contains(path, tree.path))
  if (nested !== undefined) throw new FolderKept(`another worktree lies in it: ${nested.path}`)
  if (contains(path, owner.commonDir) || contains(owner.commonDir, path)) throw new FolderKept(`${path} is mixed up with the repository's own folder`)
  await assertNoMounts(path)
  return { path, owner }
}

/** Where worktrees of the workspace are made: one that a crash left unmarked lies there. */
function placeOf ({ deps, row }: ArchiveRun, { root }: OwnerRepository): string {
  return worktreeParent({ parentDir: rowStrategy(row).worktreeParentDir ?? null, dataDir: deps.dataDir, projectId: row.project_id, repoRoot: root, homeDir: deps.homeDir })
}

/**
 * Removes the folder and git's record of it. `expected` is what the folder must hold, to the byte.
 * @throws FolderKept when anything changed meanwhile: the folder is back at its place then
 */
export async function removeWorktreeFolder (run: ArchiveRun, { path, owner }: DoomedWorktree, expected: RescueSnapshot, signal = run.op.signal): Promise<void> {
  const { state, row, op } = run
  const aside = asidePathOf(path, row.id)
  await state.set({ aside, deleting: false })
  await renameAside(path, aside, run.deps.git.files)
  try {
    await lookOnceMore(run, { path, aside, owner, signal }, expected)
  } catch (error) {
    await bringBack(run, { path, aside, owner })
    throw error
  }
  await state.set({ deleting: true })
  op.log.system(`Nothing has changed since the snapshot; deleting ${aside}.`)
  await finishDeletion(run, { path, owner })
}

async function lookOnceMore (run: ArchiveRun, { path, aside, owner, signal }: DoomedWorktree & { aside: string, signal: AbortSignal }, expected: RescueSnapshot): Promise<void> {
  const { deps, row, op } = run
  signal.throwIfAborted()
  const verdict = await judgeRemoval(deps, row, { aside })
  if (!verdict.ok) throw new FolderKept(verdict.reason)
  const still = await isStill({ git: deps.git, repoRoot: owner.root, worktreePath: aside, signal }, expected)
  if (!still) throw new FolderKept(`something changed ${path} while it was archived; nothing was removed`)
  if (await isLocked(aside)) throw new FolderKept(`the worktree ${path} was locked meanwhile (git worktree unlock releases it)`)
  await assertNoMounts(aside)
  // In one breath: whoever cancels comes before both or is told no.
  signal.throwIfAborted()
  op.refuseCancel(deletionGoesOn)
}

/**
 * Brings the renamed folder back to its place. `owner` is null for a folder that is no worktree.
 * @throws FolderKept when its place has been taken
 */
export async function bringBack (run: ArchiveRun, { path, aside, owner }: { path: string, aside: string, owner: OwnerRepository | null }): Promise<void> {
  if (!await putBack(aside, path, run.deps.git.files)) {
    throw new FolderKept(`something was made anew at ${path} while it was archived; the files of the workspace are in ${aside}`)
  }
  if (owner !== null) await repairEntry(run, owner, path)
  await run.state.set({ aside: null, deleting: false })
}

/** git follows a worktree it is used in: its record must name the old place again. */
async function repairEntry ({ deps }: ArchiveRun, owner: OwnerRepository, path: string): Promise<void> {
  await deps.git(['worktree', 'repair', path], { cwd: owner.root, allowExitCodes: [1] })
}

/**
 * Goes on where a removal was cut off: a folder that was only renamed comes back to its place; one that was being
 * deleted stays for `finishDeletion`.
 * @throws FolderKept when its place has been taken
 */
export async function settleAside (run: ArchiveRun): Promise<void> {
  const { state, row } = run
  const { aside, deleting } = state.record
  const path = row.realized_path
  const isWorktree = row.provider_type === 'git_worktree'
  if (aside === null || deleting || path === null || (isWorktree && row.repo_root === null)) return
  if (aside !== asidePathOf(path, row.id)) throw new FolderKept(`the recorded place ${aside} does not fit ${path}`)
  if (await lookAt(aside) === null) return await state.set({ aside: null })
  const owner = isWorktree && row.repo_root !== null ? await findOwnerRepository(run.deps.git, row.repo_root) : null
  await bringBack(run, { path, aside, owner })
}

/** Deletes the folder from its aside place, then git's record. Its content was checked against the snapshot before. */
export async function finishDeletion (run: ArchiveRun, { path, owner }: DoomedWorktree): Promise<void> {
  await deleteAside(run, path)
  await clearEntry(run, owner, path)
  await run.state.set({ aside: null, deleting: false, removed: true })
}

/** Deletes what was renamed aside; nothing when it is gone already. @throws FolderKept when that is not safe */
export async function deleteAside ({ deps, row }: ArchiveRun, path: string): Promise<void> {
  const verdict = await judgeRemoval(deps, row, { aside: asidePathOf(path, row.id) })
  if (verdict.ok) await removeFolder(verdict.realPath)
  else if (verdict.code !== 'missing') throw new FolderKept(verdict.reason)
  if (await lookAt(path) !== null) throw new FolderKept(`something was made anew at ${path} while it was archived`)
}

/** Clears git's record of a worktree whose folder is gone; nothing when git has none. */
export async function clearEntry (run: ArchiveRun, owner: OwnerRepository, path: string): Promise<void> {
  const { deps } = run
  await deps.locks.withLock({ resource: `repository:${owner.commonDir}`, mode: 'exclusive', purpose: 'removing a worktree', operationId: run.op.id, waitMs: repositoryWaitMs }, async () => {
    const { entry } = await entryOf(run, owner.root, path)
    if (entry !== undefined) await removeWorktree(deps.git, { repoRoot: owner.root, path: entry.path })
  })
}

/**
 * A `git worktree add` that was killed leaves its own lock on the entry and a folder with nothing but files of the
 * commit: that is taken away by force, since git itself says that it was never finished.
 */
export async function clearHalfMade (run: ArchiveRun, { path, owner }: DoomedWorktree): Promise<void> {
  const { deps } = run
  const { entry } = await entryOf(run, owner.root, path)
  if (entry?.locked !== true || entry.path !== path) return
  const verdict = await judgeRemoval(deps, run.row)
  if (!verdict.ok && verdict.code !== 'missing') throw new FolderKept(verdict.reason)
  const lock = await readFile(join(await findEntry(deps.git, owner.root, path), 'locked'), 'utf8')
  if (lock.trim() !== 'initializing') return
  await deps.git(['worktree', 'remove', '--force', '--force', '--', path], { cwd: owner.root, allowExitCodes: [1, 128] })
}
