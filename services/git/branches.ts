/** Questions about branches and commits, and the careful deletion of a branch that is merged. */
import { GitFailed, gitReason, type Git } from './exec.ts'

/** Whether the local branch exists. */
export async function branchExists (git: Git, root: string, branch: string): Promise<boolean> {
  const { exitCode } = await git(['show-ref', '--verify', '--quiet', '--', `refs/heads/${branch}`], { cwd: root, allowExitCodes: [1] })
  return exitCode === 0
}

/** The commit id that `ref` names (any expression git takes), or null when it names none. */
export async function resolveCommit (git: Git, root: string, ref: string): Promise<string | null> {
  if (ref.includes('\0')) return null
  const { stdout, exitCode } = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`], { cwd: root, allowExitCodes: [1, 128] })
  return exitCode === 0 ? stdout.trim() : null
}

/** Whether git accepts `name` as it is for a new branch. */
export async function validBranchName (git: Git, name: string): Promise<boolean> {
  // A NUL can't be an argument; `@{-1}` is accepted by git, but means another branch.
  if (name === '' || name.includes('\0')) return false
  const { stdout, exitCode } = await git(['check-ref-format', '--branch', name], { cwd: '/', allowExitCodes: [1, 128] })
  return exitCode === 0 && stdout === `${name}\n`
}

export interface BranchDeletion {
  deleted: boolean
  /** Why it was kept; null when it was deleted. */
  reason: string | null
}

/**
 * Deletes a branch only with evidence that its commits are in `baseRef` (without one: what `git branch -d` asks for).
 * Never forced, and never the commit that arrived in between: the deletion names the commit that was checked.
 */
export async function deleteMergedBranch (git: Git, input: { repoRoot: string, branch: string, baseRef?: string | null }): Promise<BranchDeletion> {
  const { repoRoot, branch } = input
  const kept = (reason: string): BranchDeletion => ({ deleted: false, reason })
  const tip = await resolveCommit(git, repoRoot, `refs/heads/${branch}`)
  if (tip === null) return kept(`there is no branch ${branch}`)
  try {
    if (input.baseRef === undefined || input.baseRef === null) {
      await git(['branch', '-d', '--', branch], { cwd: repoRoot })
      return { deleted: true, reason: null }
    }
    const base = await resolveCommit(git, repoRoot, input.baseRef)
    if (base === null) return kept(`the base ${input.baseRef} is unknown, so ${branch} may not be merged`)
    if ([branch, `refs/heads/${branch}`].includes(input.baseRef)) return kept(`${branch} is its own base`)
    const { exitCode } = await git(['merge-base', '--is-ancestor', tip, base], { cwd: repoRoot, allowExitCodes: [1] })
    if (exitCode === 1) return kept(`${branch} is not merged into ${input.baseRef}`)
    const holder = await checkedOutAt(git, repoRoot, branch)
    if (holder !== null) return kept(`${branch} is checked out at ${holder}`)
    await git(['update-ref', '-d', `refs/heads/${branch}`, tip], { cwd: repoRoot })
    await git(['config', '--remove-section', `branch.${branch}`], { cwd: repoRoot, allowExitCodes: [1, 5, 128] })
    return { deleted: true, reason: null }
  } catch (error) {
    if (error instanceof GitFailed) return kept(gitReason(error))
    throw error
  }
}

async function checkedOutAt (git: Git, repoRoot: string, branch: string): Promise<string | null> {
  const { stdout } = await git(['for-each-ref', '--format=%(worktreepath)', `refs/heads/${branch}`], { cwd: repoRoot })
  const path = stdout.split('\n')[0] ?? ''
  return path === '' ? null : path
}
