/** Takes back what a failed attempt to make a workspace has made so far. */
import { dirname } from 'node:path'
import type { Git } from '../git/exec.ts'
import { deleteMergedBranch } from '../git/worktrees.ts'
import { exists, removeEmptyFolders } from './local-paths.ts'

/** What an attempt has made itself, as opposed to found. */
export interface Made {
  folder: boolean
  branch: boolean
}

export interface UndoRequest {
  made: Made
  repoRoot: string
  /** Real path of the worktree. */
  path: string
  branch: string
  /** The commit the branch was made from: a branch that has gone further is kept. */
  baseSha: string | null
  /** Emptied folders are removed up to, not including, this one. */
  parentDir: string
}

export interface Undone {
  /** Nothing this attempt made is at the path (any more). */
  folderGone: boolean
  branchGone: boolean
  /** What could not be taken back, each a sentence without its stop. */
  problems: string[]
}

/**
 * Removes the worktree and the branch that an attempt made. Never throws: what stays is told. The caller holds the
 * locks of the workspace and of the repository.
 */
export async function undo (git: Git, request: UndoRequest): Promise<Undone> {
  const { made, path, branch } = request
  const problems: string[] = []
  const folderGone = !made.folder || await attempt(problems, `the folder ${path} could not be removed`, () => removeFolder(git, request))
  const branchGone = !made.branch || await attempt(problems, `the branch ${branch} is kept`, () => removeBranch(git, request))
  return { folderGone, branchGone, problems }
}

async function attempt (problems: string[], what: string, step: () => Promise<void>): Promise<boolean> {
  try {
    await step()
    return true
  } catch (error) {
    problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

async function removeFolder (git: Git, { repoRoot, path, parentDir }: UndoRequest): Promise<void> {
  // Forced twice: the entry of an attempt that was killed is still locked. git refuses when it has no entry; the folder goes anyway.
  await git(['worktree', 'remove', '--force', '--force', '--', path], { cwd: repoRoot, allowExitCodes: [1, 128] })
  await git.files.rm(path, { recursive: true, force: true })
  if (await exists(path)) throw new Error('it is there again')
  await removeEmptyFolders(dirname(path), parentDir)
}

async function removeBranch (git: Git, { repoRoot, branch, baseSha }: UndoRequest): Promise<void> {
  const { deleted, reason } = await deleteMergedBranch(git, { repoRoot, branch, baseRef: baseSha })
  if (!deleted && reason !== null && !reason.startsWith('there is no branch')) throw new Error(reason)
}
