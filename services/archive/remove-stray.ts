/** Takes away a worktree that no workspace knows: rescued into its repository first, and by the same rules as an archive. */
import { listFolderHolders } from '../../db/archival.ts'
import type { Git } from '../git/exec.ts'
import { dropRescueRef, takeSnapshot, type RescueSnapshot } from '../git/rescue.ts'
import { findEntry } from '../git/revive.ts'
import { stampedName } from '../git/snapshot.ts'
import { readEntryLink } from '../git/worktree-link.ts'
import { findOwnerRepository, listWorktrees, removeWorktree, type OwnerRepository, type Worktree } from '../git/worktrees.ts'
import type { Locks } from '../operations/locks.ts'
import { repositoryWaitMs } from './archive-run.ts'
import { protectedPaths, type GatherDeps } from './gather.ts'
import { contains, mayRemove } from './path-safety.ts'
import { FolderKept, asidePathOf, assertNoMounts, lookAt, putBack, removeFolder, renameAside } from './remove-folder.ts'
import { strayName } from './stray-names.ts'
import { isStill } from './take-rescue.ts'

export interface StrayDeps extends GatherDeps {
  locks: Locks
}

/** No workspace has it. */
const nobody = '00000000-0000-0000-0000-000000000000'

/**
 * Removes the worktree; its branch stays.
 * @returns the ref that everything is kept under
 * @throws FolderKept, RescueFailed, WorkspaceBusy and what git says when it has to stay
 */
export async function removeStray (deps: StrayDeps, path: string, signal: AbortSignal): Promise<string> {
  const owner = await findOwnerRepository(deps.git, path)
  return await deps.locks.withLock({ resource: `repository:${owner.commonDir}`, mode: 'exclusive', purpose: 'removing a worktree that no workspace knows', waitMs: repositoryWaitMs, signal },
    async () => await rescueAndRemove(deps, { path, owner, signal }))
}

interface Doomed { path: string, owner: OwnerRepository, signal: AbortSignal }

async function rescueAndRemove (deps: StrayDeps, doomed: Doomed): Promise<string> {
  const { git, now } = deps
  const { path, owner, signal } = doomed
  const entry = await examine(deps, doomed)
  const snapshot = await takeSnapshot(git, { repoRoot: owner.root, worktreePath: path, workspaceId: stampedName(strayName(path), now()), signal })
  try {
    await removeRescued(deps, doomed, snapshot)
  } catch (error) {
    // All of it is still there: else each round would leave one more. One that was being deleted keeps what it had.
    if (await lookAt(path) !== null) await dropRescueRef(git, owner.root, snapshot.ref)
    throw error
  }
  await removeWorktree(git, { repoRoot: owner.root, path: (await entryWith(git, owner, entry.gitDir)).path })
  return snapshot.ref
}

async function removeRescued (deps: StrayDeps, { path, owner, signal }: Doomed, snapshot: RescueSnapshot): Promise<void> {
  const { git } = deps
  const aside = asidePathOf(path, strayName(path))
  await renameAside(path, aside, git.files)
  try {
    signal.throwIfAborted()
    if (!await isStill({ git, repoRoot: owner.root, worktreePath: aside, signal }, snapshot)) throw new FolderKept(`something changed ${path} meanwhile`)
    await judgeStray(deps, { path, repoRoot: owner.root, aside })
    await assertNoMounts(aside)
  } catch (error) {
    await putBack(aside, path, git.files)
    await git(['worktree', 'repair', path], { cwd: owner.root, allowExitCodes: [1] })
    throw error
  }
  await removeFolder(aside)
}

/** Its entry in the repository, if everything speaks for removing it. */
async function examine (deps: StrayDeps, doomed: Doomed): Promise<{ gitDir: string }> {
  const { path, owner } = doomed
  await judgeStray(deps, { path, repoRoot: owner.root })
  const gitDir = await readEntryLink(path)
  if (gitDir === null) throw new FolderKept(`${path} does not say which repository it belongs to`)
  const tree = await entryWith(deps.git, owner, gitDir)
  if (tree.locked) throw new FolderKept(`the worktree ${path} is locked (git worktree unlock releases it)`)
  const others = (await listWorktrees(deps.git, owner.root)).filter(other => other.path !== tree.path && other.path !== path)
  const nested = others.find(other => contains(path, other.path))
  if (nested !== undefined) throw new FolderKept(`another worktree lies in it: ${nested.path}`)
  await assertNoMounts(path)
  return { gitDir }
}

/**
 * Makes sure that what no workspace knew may be removed now, by the rules of an archive.
 * @param stray `aside`: where it was renamed to; `repoRoot`: of the repository it belongs to, if it does
 * @throws FolderKept with the reason when it may not
 */
export async function judgeStray ({ db, dataDir, homeDir }: StrayDeps, { path, repoRoot, aside }: { path: string, repoRoot: string | null, aside?: string }): Promise<void> {
  const holders = await listFolderHolders(db, path, nobody)
  const taken = holders.find(holder => holder.realized_path === path)
  if (taken !== undefined) throw new FolderKept(`the workspace ${taken.name} is in it by now`)
  const verdict = await mayRemove({
    path: aside ?? path,
    ...(aside === undefined ? {} : { formerPath: path }),
    createdByRuntime: true,
    dataDir,
    protectedPaths: await protectedPaths({ db, homeDir }, { repo_root: repoRoot, realized_path: path }, holders)
  })
  if (!verdict.ok) throw new FolderKept(verdict.reason)
}

/** What git lists of a worktree by its folder in the repository: where it stood when git last saw it. */
async function entryWith (git: Git, owner: OwnerRepository, gitDir: string): Promise<Worktree> {
  for (const tree of (await listWorktrees(git, owner.root)).slice(1)) {
    if (await findEntry(git, owner.root, tree.path).catch(() => null) === gitDir) return tree
  }
  throw new FolderKept(`git does not list ${gitDir} as a worktree of ${owner.root}`)
}
