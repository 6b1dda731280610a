/** Finds what is kept only inside a submodule: its files and commits would go with the worktree. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { Git, GitOptions } from './exec.ts'
import { readStatus } from './status.ts'
import { readEntryLink } from './worktree-link.ts'

/** The paths of the submodules in the index of the checkout at `cwd`. */
export async function listSubmodules (git: Git, cwd: string): Promise<BytePath[]> {
  return (await readEntries(git, cwd)).submodules
}

/** A submodule with commits on branches or HEAD that none of its remotes is known to have. */
export interface LocalCommits {
  path: BytePath
  /** Ref names, HEAD first, and the commits they are at: together they reach all of them. */
  tips: { ref: string, sha: string }[]
  /** Its git folder where it is not checked out any more. */
  from?: string
  /** A `repository` is no submodule, but lies in an ignored folder; `submodule` unless given. */
  kind?: 'submodule' | 'repository'
}

export interface SubmoduleWork {
  /** Those that are checked out. */
  populated: BytePath[]
  /** Git folders of these and of those inside them, where they are not in the checkouts themselves. */
  repositories: string[]
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
  const work: SubmoduleWork = { populated: [], repositories: [], commits: [], reasons: [] }
  for (const path of paths) {
    const isPopulated = await lstat(toFsPath(root, `${path}/.git`)).then(() => true, () => false)
    if (!isPopulated) continue
    work.populated.push(path)
    const cwd = join(root, toDisplay(path))
    // One of the old kind has its repository in a folder `.git`.
    const repository = await readEntryLink(cwd).catch(() => null)
    if (repository !== null) work.repositories.push(repository)
    const reason = await reasonToStay(git, cwd)
    if (reason !== null) work.reasons.push(`the submodule ${toDisplay(path)} has ${reason}`)
    const tips = await localTips(git, inside(cwd))
    if (tips.length > 0) work.commits.push({ path: `${prefix}${path}`, tips })
    const below = await findSubmoduleWork(git, cwd, await listSubmodules(git, cwd), `${prefix}${path}/`)
    work.repositories.push(...below.repositories)
    work.reasons.push(...below.reasons)
    work.commits.push(...below.commits)
  }
  return work
}

/** What the submodule at `cwd` has that no snapshot holds; null for nothing. */
async function reasonToStay (git: Git, cwd: string): Promise<string | null> {
  const { env } = inside(cwd)
  const { entries } = await readStatus(git, { path: cwd, env, ignored: false, renames: false, submoduleCommitsOnly: true })
  if (entries.length > 0) return 'changes of its own'
  if (await otherWork(git, inside(cwd))) return 'a stash or a tag with commits that none of its remotes is known to have'
  const { hidden } = await readEntries(git, cwd)
  const present = await Promise.all(hidden.map(path => lstat(toFsPath(cwd, path)).then(() => true, () => false)))
  return present.includes(true) ? 'files that git was told not to look at (assume-unchanged or skip-worktree)' : null
}

/** The index of a checkout: its submodules, and the files that status does not look at. */
async function readEntries (git: Git, cwd: string): Promise<{ submodules: BytePath[], hidden: BytePath[] }> {
  const { stdout } = await git.bytes(['ls-files', '--stage', '-v', '-z'], inside(cwd))
  const entries = stdout.toString('latin1').split('\0').map(line => ({ tag: line[0] ?? '', mode: line.slice(2, 8), path: line.slice(line.indexOf('\t') + 1) }))
  const pathsOf = (isWanted: (entry: typeof entries[number]) => boolean) => [...new Set(entries.filter(isWanted).map(({ path }) => path))]
  // A small letter is what git was told to assume unchanged.
  return { submodules: pathsOf(({ mode }) => mode === '160000'), hidden: pathsOf(({ tag }) => tag === 'S' || /[a-z]/.test(tag)) }
}

/** Where git is to look. */
type GitPlace = Pick<GitOptions, 'cwd' | 'env'>

/** Whether refs other than branches (a stash, a tag) have commits that no remote is known to have. */
export async function otherWork (git: Git, place: GitPlace): Promise<boolean> {
  const { stdout } = await git(['rev-list', '--max-count=1', '--all', '--not', '--remotes', '--branches', 'HEAD', '--'], place)
  return stdout !== ''
}

/** HEAD and every branch, when one of them has commits of its own; else none. */
export async function localTips (git: Git, place: GitPlace): Promise<LocalCommits['tips']> {
  const local = await git(['rev-list', '--max-count=1', 'HEAD', '--branches', '--not', '--remotes', '--'], place)
  return local.stdout === '' ? [] : await listTips(git, place, ['refs/heads'])
}

/** HEAD and the refs below or at `patterns`, with their commits. */
export async function listTips (git: Git, place: GitPlace, patterns: readonly string[]): Promise<LocalCommits['tips']> {
  const head = await git(['rev-parse', '--verify', 'HEAD^{commit}'], place)
  const refs = await git(['for-each-ref', '--format=%(objectname) %(refname)', ...patterns], place)
  const found = refs.stdout.split('\n').filter(line => line !== '').map(line => ({ sha: line.slice(0, line.indexOf(' ')), ref: line.slice(line.indexOf(' ') + 1) }))
  return [{ ref: 'HEAD', sha: head.stdout.trim() }, ...found]
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
  for (const { path, tips, from = join(worktreePath, toDisplay(path)) } of submodules) {
    await git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules', '--', from, ...tips.map(({ ref }) => ref)], { cwd: worktreePath, config: [['core.fsync', 'all']] })
  }
}
