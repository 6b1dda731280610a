/** Finds the repository a path belongs to, and the checkout that owns it. */
import { basename, dirname, resolve } from 'node:path'
import { RepositoryUnusable } from '../errors.ts'
import { GitFailed, gitReason, type Git } from './exec.ts'

export interface OwnerRepository {
  /** Top level of the main worktree; for a bare repository with worktrees, of the worktree asked about. */
  root: string
  /** The repository's own folder (`.git` of the owner), shared by all its worktrees. */
  commonDir: string
  /** True when the path lies in a worktree added to the repository, not in its main one. */
  isLinkedWorktree: boolean
  /** Top level of the worktree the path lies in. */
  topLevel: string
  /** The path relative to `topLevel`: '' at the top, else `packages/a`. */
  subPath: string
}

/**
 * Finds the owner repository of `path` (absolute), also when that is a linked worktree or a folder inside.
 * Throws RepositoryUnusable when it is no checkout, bare, or has no commit yet.
 */
export async function findOwnerRepository (git: Git, path: string): Promise<OwnerRepository> {
  const { commonDir, gitDir, topLevel, prefix } = await readCheckout(git, path) ?? await explain(git, path)
  const isLinkedWorktree = gitDir !== commonDir
  const root = isLinkedWorktree ? await mainTopLevel(git, commonDir) ?? topLevel : topLevel
  return { root, commonDir, isLinkedWorktree, topLevel, subPath: prefix.replace(/\/$/, '') }
}

interface Checkout { commonDir: string, gitDir: string, topLevel: string, prefix: string }

/** Everything in one question; null when git has no answer to one part of it, whichever. */
async function readCheckout (git: Git, path: string): Promise<Checkout | null> {
  try {
    const { stdout } = await git(['rev-parse', '--path-format=absolute', '--git-common-dir', '--absolute-git-dir', '--show-toplevel', '--show-prefix', 'HEAD^{commit}'], { cwd: path })
    const [commonDir = '', gitDir = '', topLevel = '', prefix = ''] = stdout.split('\n')
    return { commonDir, gitDir, topLevel, prefix }
  } catch (error) {
    if (error instanceof GitFailed) return null
    throw error
  }
}

/** Asks part by part why it is not usable. Throws RepositoryUnusable; gives it when it has become usable meanwhile. */
async function explain (git: Git, path: string): Promise<Checkout> {
  const [inside, commonDir, gitDir, hasCommit] = await readRepository(git, path)
  if (inside !== 'true') throw new RepositoryUnusable(`${path} is not inside a checkout: a bare repository, or a folder of git's own`)
  if (!hasCommit) throw new RepositoryUnusable(`The repository at ${path} has no commit yet`)
  const { stdout } = await git(['rev-parse', '--path-format=absolute', '--show-toplevel', '--show-prefix'], { cwd: path })
  const [topLevel = path, prefix = ''] = stdout.split('\n')
  return { commonDir, gitDir, topLevel, prefix }
}

async function readRepository (git: Git, path: string): Promise<[inside: string, commonDir: string, gitDir: string, hasCommit: boolean]> {
  try {
    const { stdout } = await git(['rev-parse', '--path-format=absolute', '--is-inside-work-tree', '--git-common-dir', '--absolute-git-dir'], { cwd: path })
    const [inside = '', commonDir = '', gitDir = ''] = stdout.split('\n')
    const any = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: path, allowExitCodes: [1, 128] })
    return [inside, commonDir, gitDir, any.exitCode === 0]
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    throw new RepositoryUnusable(`${path} can not be used as a git repository: ${gitReason(error)}`, { cause: error })
  }
}

/** The main worktree's top level by the repository's folder; null for a bare repository. */
async function mainTopLevel (git: Git, commonDir: string): Promise<string | null> {
  const read = async (key: string, type: string[] = []) => {
    const { stdout, exitCode } = await git([`--git-dir=${commonDir}`, 'config', ...type, '--get', key], { cwd: commonDir, allowExitCodes: [1] })
    return exitCode === 0 ? stdout.replace(/\n$/, '') : null
  }
  if (await read('core.bare', ['--bool']) === 'true') return null
  const worktree = await read('core.worktree')
  if (worktree !== null) return resolve(commonDir, worktree)
  return basename(commonDir) === '.git' ? dirname(commonDir) : null
}
