/** Lists, adds, attaches and removes the worktrees of a repository. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { WorktreeMismatch } from '../errors.ts'
import type { Git } from './exec.ts'
import { branchExists, resolveCommit } from './branches.ts'
import { markAsOurs } from './own-mark.ts'
import { findEntry, reviveWorktree } from './revive.ts'

export { findOwnerRepository, type OwnerRepository } from './owner.ts'
export { branchExists, deleteMergedBranch, resolveCommit, validBranchName, type BranchDeletion } from './branches.ts'
export { resolveBase, type ResolvedBase } from './base.ts'

export interface Worktree {
  /** Absolute, as git records it. */
  path: string
  /** null for a bare entry and before the first commit. */
  head: string | null
  /** Short name, `feature/a`; null when detached. */
  branch: string | null
  detached: boolean
  bare: boolean
  locked: boolean
  /** The folder is gone: git would forget the entry. */
  prunable: boolean
}

/** All worktrees of the repository at `root`, the main one first. */
export async function listWorktrees (git: Git, root: string): Promise<Worktree[]> {
  const { stdout } = await git(['worktree', 'list', '--porcelain', '-z'], { cwd: root })
  return stdout.split('\0\0').filter(block => block !== '').map(toWorktree)
}

function toWorktree (block: string): Worktree {
  const values = new Map(block.split('\0').map(line => {
    const space = line.indexOf(' ')
    return space === -1 ? [line, ''] as const : [line.slice(0, space), line.slice(space + 1)] as const
  }))
  const head = values.get('HEAD') ?? null
  return {
    path: values.get('worktree') ?? '',
    head: head === null || /^0+$/.test(head) ? null : head,
    branch: values.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
    detached: values.has('detached'),
    bare: values.has('bare'),
    locked: values.has('locked'),
    prunable: values.has('prunable')
  }
}

export interface AddWorktreeInput {
  repoRoot: string
  /** Absolute; must not exist, or be an empty folder. */
  path: string
  /** null for a detached HEAD at `baseSha`. */
  branch: string | null
  /** Where the branch is made; null attaches the existing branch as it is. */
  baseSha: string | null
  signal?: AbortSignal
}

/**
 * Adds a worktree. With `baseSha` the branch is made there (it must not exist yet); with null an existing branch is attached,
 * never reset. A branch whose own worktree has lost its folder gets that entry back, with what was staged in it.
 * What was half made (branch, folder, entry) is undone when it fails. Throws WorktreeMismatch when the path is
 * taken, GitFailed for git's own refusals. It is marked as added by this service. One at a time per repository is the caller's business.
 */
export async function addWorktree (git: Git, input: AddWorktreeInput): Promise<void> {
  const { repoRoot, path, branch, baseSha } = input
  const existed = await isEmptyFolder(path)
  if (baseSha === null) {
    const lost = (await listWorktrees(git, repoRoot)).find(tree => tree.prunable && !tree.locked && tree.branch === branch)
    if (lost !== undefined) return await reviveWorktree(git, { repoRoot, lostPath: lost.path, path })
  }
  const branchIsNew = branch !== null && baseSha !== null && !await branchExists(git, repoRoot, branch)
  await forgetLostEntry(git, repoRoot, path)
  await git.files.mkdir(dirname(path), { recursive: true })
  try {
    await git(['worktree', 'add', '--quiet', ...target(path, branch, baseSha)], { cwd: repoRoot, ...(input.signal && { signal: input.signal }) })
    await markAsOurs(path, git.files)
  } catch (error) {
    await undo(git, { ...input, existed, branchIsNew })
    throw error
  }
}

function target (path: string, branch: string | null, baseSha: string | null): string[] {
  if (branch === null) return ['--detach', '--', path, baseSha ?? 'HEAD']
  return baseSha === null ? ['--', path, branch] : ['--no-track', '-b', branch, '--', path, baseSha]
}

/** Whether an empty folder is at `path`; false for nothing. Throws WorktreeMismatch for anything else. */
async function isEmptyFolder (path: string): Promise<boolean> {
  const found = await lstat(path).catch(missing)
  if (found === null) return false
  if (found.isDirectory() && (await readdir(path)).length === 0) return true
  throw new WorktreeMismatch(`${path} exists already and is not an empty folder`)
}

/** Clears the entry of a worktree that once was at this very path, unless it still holds what somebody staged. */
async function forgetLostEntry (git: Git, repoRoot: string, path: string): Promise<void> {
  const lost = (await listWorktrees(git, repoRoot)).find(tree => tree.path === path && tree.prunable)
  if (lost === undefined) return
  const entry = await findEntry(git, repoRoot, path)
  const staged = await git([`--git-dir=${entry}`, 'diff-index', '--cached', '--quiet', 'HEAD', '--'], { cwd: repoRoot, allowExitCodes: [1, 128] })
  if (staged.exitCode !== 0) throw new WorktreeMismatch(`A worktree that was at ${path} lost its folder, but has staged changes on record: \`git worktree prune\` forgets them`)
  await git(['worktree', 'remove', '--', path], { cwd: repoRoot })
}

async function undo (git: Git, input: AddWorktreeInput & { existed: boolean, branchIsNew: boolean }): Promise<void> {
  const { repoRoot, path, branch, baseSha } = input
  // git clears up behind itself, but not when it was killed in the middle.
  await git(['worktree', 'remove', '--force', '--force', '--', path], { cwd: repoRoot, allowExitCodes: [1, 128] })
  if (!input.existed) await git.files.rm(path, { recursive: true, force: true })
  if (input.branchIsNew && branch !== null && baseSha !== null && await resolveCommit(git, repoRoot, `refs/heads/${branch}`) === baseSha) {
    await git(['update-ref', '-d', `refs/heads/${branch}`, baseSha], { cwd: repoRoot, allowExitCodes: [1, 128] })
  }
}

/** Removes a clean worktree, or only its entry when the folder is gone already. Never forced: a dirty or locked one throws GitFailed. */
export async function removeWorktree (git: Git, input: { repoRoot: string, path: string }): Promise<void> {
  await git(['worktree', 'remove', '--', input.path], { cwd: input.repoRoot })
}

/** Whether a folder is there. */
export async function folderExists (path: string): Promise<boolean> {
  return (await stat(path).catch(missing))?.isDirectory() === true
}

function missing (error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}
