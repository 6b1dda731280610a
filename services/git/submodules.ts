/** Finds what is kept only inside a submodule: its files and commits would go with the worktree. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'

/** The paths of the submodules in the index of the checkout at `cwd`. */
export async function listSubmodules (git: Git, cwd: string): Promise<BytePath[]> {
  const { stdout } = await git.bytes(['ls-files', '--stage', '-z'], inside(cwd))
  return [...new Set(stdout.toString('latin1').split('\0').filter(line => line.startsWith('160000 ')).map(line => line.slice(line.indexOf('\t') + 1)))]
}

/** A submodule with commits on branches or HEAD that none of its remotes is known to have. */
export interface LocalCommits {
  path: BytePath
  /** Ref names, HEAD first, and the commits they are at: together they reach all of them. */
  tips: { ref: string, sha: string }[]
}

export interface SubmoduleWork {
  /** Those that are checked out. */
  populated: BytePath[]
  /** Can be kept with the snapshot. */
  commits: LocalCommits[]
  /** Why the worktree can't be: what no snapshot holds, a clause for each. */
  reasons: string[]
}

/**
 * Looks into the submodules at `paths` of the worktree at `root` (those not checked out hold nothing) for what their remotes do
 * not have: commits, and as reasons changes, untracked files, stashes and tags.
 * @param prefix where `root` lies in the worktree, for submodules inside others
 */
export async function findSubmoduleWork (git: Git, root: string, paths: readonly BytePath[], prefix = ''): Promise<SubmoduleWork> {
  const populated: BytePath[] = []
  const commits: LocalCommits[] = []
  const reasons: string[] = []
  for (const path of paths) {
    const isPopulated = await lstat(toFsPath(root, `${path}/.git`)).then(() => true, () => false)
    if (!isPopulated) continue
    populated.push(path)
    const cwd = join(root, toDisplay(path))
    const { stdout } = await git(['status', '--porcelain', '--untracked-files=all', '--ignore-submodules=dirty'], inside(cwd))
    const other = await git(['rev-list', '--max-count=1', '--all', '--not', '--remotes', '--branches', 'HEAD', '--'], inside(cwd))
    if (stdout !== '') reasons.push(`the submodule ${toDisplay(path)} has changes of its own`)
    else if (other.stdout !== '') reasons.push(`the submodule ${toDisplay(path)} has a stash or a tag with commits that none of its remotes is known to have`)
    const tips = await localTips(git, cwd)
    if (tips.length > 0) commits.push({ path: `${prefix}${path}`, tips })
    const below = await findSubmoduleWork(git, cwd, await listSubmodules(git, cwd), `${prefix}${path}/`)
    reasons.push(...below.reasons)
    commits.push(...below.commits)
  }
  return { populated, commits, reasons }
}

/** HEAD and every branch, when one of them has commits of its own; else none. */
async function localTips (git: Git, cwd: string): Promise<LocalCommits['tips']> {
  const local = await git(['rev-list', '--max-count=1', 'HEAD', '--branches', '--not', '--remotes', '--'], inside(cwd))
  if (local.stdout === '') return []
  const head = await git(['rev-parse', '--verify', 'HEAD^{commit}'], inside(cwd))
  const branches = await git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads'], inside(cwd))
  const heads = branches.stdout.split('\n').filter(line => line !== '').map(line => ({ sha: line.slice(0, line.indexOf(' ')), ref: line.slice(line.indexOf(' ') + 1) }))
  return [{ ref: 'HEAD', sha: head.stdout.trim() }, ...heads]
}

/** A submodule's own repository remembers where its files were, which is elsewhere once its worktree was renamed. */
function inside (cwd: string): { cwd: string, env: Record<string, string> } {
  return { cwd, env: { GIT_WORK_TREE: cwd } }
}

/**
 * Brings the commits into the repository that owns the worktree; no ref points at them yet.
 * Throws GitFailed when that can't be done, as from a shallow submodule.
 */
export async function fetchLocalCommits (git: Git, worktreePath: string, submodules: readonly LocalCommits[]): Promise<void> {
  for (const { path, tips } of submodules) {
    await git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules', '--', join(worktreePath, toDisplay(path)), ...tips.map(({ ref }) => ref)], { cwd: worktreePath, config: [['core.fsync', 'all']] })
  }
}
