/** Finds the git directories of a checkout, without a process where its `.git` tells. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Git } from './exec.ts'
import { entryNamedIn } from './worktree-link.ts'

export interface Checkout {
  topLevel: string
  /** Of this worktree: git's entry for it, or the repository's own folder. */
  gitDir: string
  /** The repository's own folder, shared by all its worktrees. */
  commonDir: string
}

/**
 * Reads `.git` itself where `path` is the top of a checkout; asks git for a folder inside. What `.git` names need not be a repository:
 * git itself says so when it is used. Throws GitFailed where there is no checkout.
 */
export async function findCheckout (git: Git, path: string): Promise<Checkout> {
  const gitDir = await gitDirNamedAt(path)
  if (gitDir === null) return await askGit(git, path)
  const common = await readFile(join(gitDir, 'commondir'), 'utf8').catch(() => null)
  return { topLevel: path, gitDir, commonDir: common === null ? gitDir : resolve(gitDir, common.replace(/\n$/, '')) }
}

async function gitDirNamedAt (path: string): Promise<string | null> {
  const dotGit = join(path, '.git')
  const text = await readFile(dotGit, 'utf8').catch((error: NodeJS.ErrnoException) => error.code === 'EISDIR' ? `gitdir: ${dotGit}` : null)
  return text === null ? null : entryNamedIn(text, path)
}

/** The same by git's own word, which counts the setting `core.worktree` too. Throws GitFailed. */
export async function askGit (git: Git, path: string): Promise<Checkout> {
  const { stdout } = await git(['rev-parse', '--path-format=absolute', '--show-toplevel', '--absolute-git-dir', '--git-common-dir'], { cwd: path })
  const [topLevel = '', gitDir = '', commonDir = ''] = stdout.split('\n')
  return { topLevel, gitDir, commonDir }
}
