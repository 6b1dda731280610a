/** Questions about branches and commits, and the careful deletion of a branch that is merged. */
import { readBranchSettings, type BranchSettings } from './branch-settings.ts'
import { isOwnBase } from './divergence.ts'
import { GitFailed, gitReason, type Git } from './exec.ts'
import { findMergeEvidence } from './merge-evidence.ts'

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
  /** The commit it was at; null when there is no such branch. */
  tip: string | null
  /** Why it was kept; null when it was deleted. */
  reason: string | null
  /** What the repository's configuration had about it, which is gone with it; empty when it was kept. */
  settings: BranchSettings
}

export interface DeletionInput {
  repoRoot: string
  branch: string
  /** What the branch has to be merged into; null: nothing is known, so it is kept. */
  baseRef: string | null
  /** Commits that something else keeps: if the tip is one of them, a squash merge is evidence enough. */
  kept?: readonly (string | null | undefined)[]
}

/**
 * Deletes a branch only with evidence that what it has done is in `baseRef`, whatever is checked out anywhere (`git branch -d`
 * would ask HEAD or the upstream). Never forced, and never the commit that arrived in between: the deletion names the
 * commit that was checked.
 */
export async function deleteMergedBranch (git: Git, input: DeletionInput): Promise<BranchDeletion> {
  const { repoRoot, branch } = input
  let tip: string | null = null
  try {
    const [found, base, settings] = await Promise.all([findBranch(git, repoRoot, branch), input.baseRef === null ? null : resolveCommit(git, repoRoot, input.baseRef), readBranchSettings(git, repoRoot, branch)])
    if (found === null) return { deleted: false, tip, reason: `there is no branch ${branch}`, settings: [] }
    tip = found.tip
    const reason = await reasonToKeep(git, input, found, base)
    if (reason !== null) return { deleted: false, tip, reason, settings: [] }
    await git(['update-ref', '-d', `refs/heads/${branch}`, found.tip], { cwd: repoRoot })
    if (settings.length > 0) await git(['config', '--remove-section', `branch.${branch}`], { cwd: repoRoot, allowExitCodes: [1, 5, 128] })
    return { deleted: true, tip, reason: null, settings }
  } catch (error) {
    if (error instanceof GitFailed) return { deleted: false, tip, reason: gitReason(error), settings: [] }
    throw error
  }
}

async function reasonToKeep (git: Git, { repoRoot, branch, baseRef, kept = [] }: DeletionInput, { tip, holder }: FoundBranch, base: string | null): Promise<string | null> {
  if (baseRef === null) return `no base is recorded, so ${branch} may not be merged`
  if (base === null) return `the base ${baseRef} is unknown, so ${branch} may not be merged`
  if (isOwnBase(baseRef, branch)) return `${branch} is its own base`
  if (!await isAncestor(git, repoRoot, tip, base) && (!kept.includes(tip) || !await isSquashed(git, { path: repoRoot, base, tip }))) return `${branch} is not merged into ${baseRef.replace(/^refs\/heads\//, '')}`
  return holder === null ? null : `${branch} is checked out at ${holder}`
}

async function isSquashed (git: Git, input: { path: string, base: string, tip: string }): Promise<boolean> {
  const { stdout } = await git(['rev-list', '--count', input.base, `^${input.tip}`, '--'], { cwd: input.path })
  return await findMergeEvidence(git, input, Number(stdout)).catch(() => null) !== null // not known is not merged
}

async function isAncestor (git: Git, repoRoot: string, tip: string, base: string): Promise<boolean> {
  if (tip === base) return true
  const { exitCode } = await git(['merge-base', '--is-ancestor', tip, base], { cwd: repoRoot, allowExitCodes: [1] })
  return exitCode === 0
}

interface FoundBranch {
  tip: string
  /** Where it is checked out. */
  holder: string | null
}

async function findBranch (git: Git, repoRoot: string, branch: string): Promise<FoundBranch | null> {
  const { stdout } = await git(['for-each-ref', '--format=%(refname)%00%(objectname)%00%(worktreepath)', `refs/heads/${branch}`], { cwd: repoRoot })
  const [, tip, holder] = stdout.split('\n').map(line => line.split('\0')).find(([name]) => name === `refs/heads/${branch}`) ?? []
  return tip === undefined ? null : { tip, holder: holder === '' ? null : holder ?? null }
}
