/** Adds the worktree for a rescue snapshot: on its branch where that is as it was, else on a new one. */
import { RestoreFailed } from '../errors.ts'
import { branchExists, resolveCommit } from './branches.ts'
import { gitReason, type Git } from './exec.ts'
import { markAsOurs } from './own-mark.ts'
import type { RescueSnapshot } from './snapshot.ts'
import { addWorktree, listWorktrees, removeWorktree } from './worktrees.ts'

export interface AttachInput {
  repoRoot: string
  worktreePath: string
  snapshot: Pick<RescueSnapshot, 'branch' | 'headSha' | 'worktreeCommit'>
  /** A new branch to be on instead of the snapshot's own, as `branchInstead` gives it. */
  branch?: string
  signal?: AbortSignal
}

/** A branch that takes the place of one that is not as it was. */
export interface BranchInstead {
  /** It does not exist yet. */
  name: string
  /** Why, a clause. */
  reason: string
}

/**
 * Whether a restore has to take another branch than `branch`, which was at `headSha` (null before its first commit): it points
 * elsewhere by now, or another worktree has it checked out (also one whose disk may only be away). Null when it can be attached (or made again) as it was.
 */
export async function branchInstead (git: Git, input: { repoRoot: string, worktreePath: string, branch: string, headSha: string | null }): Promise<BranchInstead | null> {
  const { repoRoot, worktreePath, branch, headSha } = input
  const holder = (await listWorktrees(git, repoRoot)).find(tree => tree.branch === branch && tree.path !== worktreePath)
  const tip = await resolveCommit(git, repoRoot, `refs/heads/${branch}`)
  const reason = tip !== null && tip !== headSha
    ? `the branch ${branch} has moved on since, ${headSha === null ? 'from no commit' : `from ${headSha}`} to ${tip}`
    : holder === undefined ? null : `the branch ${branch} is checked out at ${holder.path}`
  return reason === null ? null : { name: await freeName(git, repoRoot, branch), reason }
}

async function freeName (git: Git, repoRoot: string, branch: string): Promise<string> {
  const base = `${branch}-restored`
  for (let at = 1; ; at++) {
    const name = at === 1 ? base : `${base}-${at}`
    if (!await branchExists(git, repoRoot, name)) return name
  }
}

/**
 * Adds the worktree: on the snapshot's branch (made anew at its commit when it is gone) or on the one that is given instead,
 * detached where it was detached, unborn where there was no commit. The folder must not exist or be empty.
 * Throws RestoreFailed when that can't be done, also when the snapshot's branch has moved on or is checked out elsewhere.
 */
export async function attachSnapshot (git: Git, input: AttachInput): Promise<{ branchCreated: boolean }> {
  const { repoRoot, worktreePath: path, snapshot, signal } = input
  try {
    await forgetOldEntry(git, input)
    const branch = input.branch ?? snapshot.branch
    const { headSha } = snapshot
    if (headSha === null) return await attachUnborn(git, input, branch ?? '')
    const tip = branch === null ? null : await resolveCommit(git, repoRoot, `refs/heads/${branch}`)
    if (branch !== null && tip !== null && tip !== headSha) throw new Error(`the branch ${branch} has moved on since, from ${headSha} to ${tip}`)
    const branchCreated = branch !== null && tip === null
    await addWorktree(git, { repoRoot, path, branch, baseSha: branch === null || branchCreated ? headSha : null, ...(signal && { signal }) })
    return { branchCreated }
  } catch (cause) {
    throw new RestoreFailed(`${path} could not be restored: ${gitReason(cause)}`, { cause })
  }
}

/** The entry of a folder that is gone stands in the way; what it knew of the index is in the snapshot. */
async function forgetOldEntry (git: Git, { repoRoot, worktreePath, snapshot, branch }: AttachInput): Promise<void> {
  const wanted = branch ?? snapshot.branch
  for (const tree of await listWorktrees(git, repoRoot)) {
    const isSame = tree.path === worktreePath || (wanted !== null && tree.branch === wanted)
    if (!isSame) continue
    if (tree.path === worktreePath && tree.prunable && !tree.locked) await removeWorktree(git, { repoRoot, path: tree.path })
    else throw new Error(`git still lists a worktree of it at ${tree.path}`)
  }
}

async function attachUnborn (git: Git, { repoRoot, worktreePath: path, snapshot }: AttachInput, branch: string): Promise<{ branchCreated: boolean }> {
  if (branch === '' || await branchExists(git, repoRoot, branch)) throw new Error(`the branch ${branch}, which had no commit, has one now`)
  await git(['worktree', 'add', '--no-checkout', '--detach', '--', path, snapshot.worktreeCommit], { cwd: repoRoot })
  await markAsOurs(path, git.files)
  await git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], { cwd: path })
  return { branchCreated: false }
}
