/** Looks at a worktree without touching it: everything close readiness needs, and what could not be seen. */
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { GitReadiness } from '../../openapi/schemas/readiness.ts'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import { findCheckout, type Checkout } from './checkout.ts'
import { readDivergence } from './divergence.ts'
import { gitReason, type Git } from './exec.ts'
import { chooseIgnored } from './ignored.ts'
import { DEFAULT_RESCUE_IGNORED, type RescueDescription } from './snapshot.ts'
import { describeStatus, isRepositoryInside, readStatus, repositoryInside, untrackedEntry, type StatusEntry, type WorktreeStatus } from './status.ts'
import { findLeftRepositories, listLooseFiles } from './submodule-remains.ts'
import { findSubmoduleWork, listSubmodules } from './submodules.ts'

export interface GitInspection extends Omit<GitReadiness, 'createdByRuntime' | 'rescue'> {
  /** False when the working state could not be read: the counts are then 0 but mean nothing, and nothing may be deleted. */
  isReadable: boolean
  /** False when the folder itself is not there. */
  pathExists: boolean
  /** What a snapshot would hold; null when the working state could not be read. */
  rescue: RescueDescription | null
  /** What could not be inspected, each a sentence for a warning. */
  problems: string[]
  /** Why no snapshot can be taken, and so nothing removed; each the rest of a sentence. */
  hindrances: string[]
}

export interface InspectInput {
  path: string
  repoRoot?: string | null
  /** The recorded base; null leaves ahead, behind and merged unknown. */
  baseRef: string | null
  /** The recorded branch, for `branchDrift`. */
  branchName: string | null
  rescueIgnored?: readonly string[]
}

// Names shown of ignored files; and what counts as small enough to name.
const MAX_IGNORED_NAMES = 50
const MAX_NAMED_IGNORED_BYTES = 1024 * 1024

/**
 * Inspects the worktree at `path` (for a folder inside a checkout: the whole checkout) with three git processes side by side (status, ahead/behind,
 * unpushed), and further ones only where the branch and its base have both gone on, HEAD is detached, or there are submodules.
 * Never throws for a state of the worktree: what could not be seen is in `problems`, and never counts as clean or merged.
 */
export async function inspectWorktree (git: Git, input: InspectInput): Promise<GitInspection> {
  const result = nothingKnown(input)
  result.pathExists = (await stat(input.path).catch(() => null)) !== null
  if (!result.pathExists) {
    result.problems.push(`The folder ${input.path} does not exist.`)
    return result
  }
  const unreadable = (error: unknown) => {
    result.problems.push(`The state of ${input.path} could not be read: ${gitReason(error)}.`)
    return null
  }
  const checkout = await findCheckout(git, input.path).catch(unreadable)
  if (checkout === null) return result
  const { topLevel, gitDir, commonDir } = checkout
  result.repoRoot ??= commonDir.endsWith('/.git') ? dirname(commonDir) : null
  const [status, divergence, unpushed, operation] = await Promise.all([
    readStatus(git, { path: topLevel, ignored: true, renames: true }).catch(unreadable),
    readDivergence(git, input, result.problems),
    countUnpushed(git, topLevel, commonDir),
    findOperation(gitDir)
  ])
  result.operationInProgress = operation
  if (status === null) return result
  const inside = await lookIntoSubmodules(git, checkout, status.entries)
  status.entries.push(...inside.loose.map(untrackedEntry))
  await applyStatus(result, input, { ...status, topLevel })
  result.hindrances = [...status.entries.filter(isRepositoryInside).map(({ path }) => repositoryInside(path)), ...inside.reasons]
  return Object.assign(result, divergence, { unpushedCount: unpushed, unreferencedCount: await countUnreferenced(git, topLevel, status) })
}

function nothingKnown (input: InspectInput): GitInspection {
  return {
    repoRoot: input.repoRoot ?? null,
    workspacePath: input.path,
    branchName: input.branchName,
    baseRef: input.baseRef,
    hasDirtyTrackedFiles: false,
    hasUntrackedFiles: false,
    dirtyEntryCount: 0,
    untrackedEntryCount: 0,
    aheadCount: null,
    behindCount: null,
    isMergedIntoBase: null,
    headSha: null,
    checkedOutBranch: null,
    branchDrift: false,
    operationInProgress: null,
    unpushedCount: null,
    unreferencedCount: null,
    ignoredEntryCount: 0,
    ignoredEntries: [],
    hasSubmodules: false,
    nestedRepositories: [],
    mergeEvidence: null,
    isReadable: false,
    pathExists: false,
    rescue: null,
    problems: [],
    hindrances: []
  }
}

async function applyStatus (result: GitInspection, input: InspectInput, status: WorktreeStatus & { topLevel: string }): Promise<void> {
  const of = (...kinds: string[]) => status.entries.filter(entry => kinds.includes(entry.kind))
  const ignored = of('ignored').map(entry => entry.path)
  const [chosen, names, hasModules] = await Promise.all([
    chooseIgnored(status.topLevel, status.entries, input.rescueIgnored ?? DEFAULT_RESCUE_IGNORED),
    nameSmallFiles(status.topLevel, ignored),
    lstat(join(status.topLevel, '.gitmodules')).then(() => true, () => false)
  ])
  result.isReadable = true
  result.dirtyEntryCount = of('tracked', 'conflicted').length
  result.untrackedEntryCount = of('untracked').length
  result.hasDirtyTrackedFiles = result.dirtyEntryCount > 0
  result.hasUntrackedFiles = result.untrackedEntryCount > 0
  result.ignoredEntryCount = ignored.length
  result.ignoredEntries = names
  result.headSha = status.headSha
  result.checkedOutBranch = status.branch
  result.branchDrift = input.branchName !== null && status.branch !== input.branchName
  result.hasSubmodules = hasModules || status.entries.some(entry => entry.submodule.startsWith('S'))
  result.nestedRepositories = [...status.entries.filter(isRepositoryInside).map(entry => entry.path.slice(0, -1)), ...chosen.repositories].map(toDisplay)
  result.rescue = describeStatus(status.entries, chosen.chosen)
}

/** Files at the places of submodules, which git passes over; and what a snapshot refuses to hold: it is told before somebody tries. */
async function lookIntoSubmodules (git: Git, { topLevel, gitDir }: Checkout, entries: readonly StatusEntry[]): Promise<{ loose: BytePath[], reasons: string[] }> {
  const places = await Promise.all([join(topLevel, '.gitmodules'), join(gitDir, 'modules')].map(path => lstat(path).then(() => true, () => false)))
  if (!places.includes(true) && !entries.some(entry => entry.submodule.startsWith('S'))) return { loose: [], reasons: [] }
  try {
    const paths = await listSubmodules(git, topLevel)
    const work = await findSubmoduleWork(git, topLevel, paths)
    const left = await findLeftRepositories(git, gitDir, work.repositories)
    return { loose: await listLooseFiles(topLevel, paths), reasons: [...work.reasons, ...left.reasons] }
  } catch (error) {
    return { loose: [], reasons: [`its submodules could not be looked into: ${gitReason(error)}`] }
  }
}

/** Small ignored files by name; folders ignored as a whole are left out. */
async function nameSmallFiles (root: string, ignored: readonly BytePath[]): Promise<string[]> {
  const names: string[] = []
  for (const path of ignored.filter(path => !path.endsWith('/'))) {
    const found = await lstat(toFsPath(root, path)).catch(() => null)
    if (found !== null && found.size <= MAX_NAMED_IGNORED_BYTES) names.push(toDisplay(path))
    if (names.length === MAX_IGNORED_NAMES) break
  }
  return names
}

/** Commits of HEAD on no remote-tracking branch; null when the repository knows no remote, or it can't be counted. */
async function countUnpushed (git: Git, path: string, commonDir: string): Promise<number | null> {
  if (!await knowsRemotes(commonDir)) return null
  const result = await git(['rev-list', '--count', 'HEAD', '--not', '--remotes', '--'], { cwd: path }).catch(() => null)
  return result === null ? null : Number(result.stdout)
}

/** Commits of a detached HEAD that nothing else leads to; null when it is on a branch, or they can't be counted. */
async function countUnreferenced (git: Git, path: string, { headSha, branch }: WorktreeStatus): Promise<number | null> {
  if (branch !== null || headSha === null) return null
  // Snapshots of this service are no place anybody looks for commits.
  const result = await git(['rev-list', '--count', 'HEAD', '--not', '--exclude=refs/berth/*', '--glob=refs/*', '--'], { cwd: path }).catch(() => null)
  return result === null ? null : Number(result.stdout)
}

/** Asks the files rather than git: without a remote the count would walk the whole history for nothing. */
async function knowsRemotes (commonDir: string): Promise<boolean> {
  const folders = await readdir(join(commonDir, 'refs', 'remotes')).catch(() => [])
  if (folders.length > 0) return true
  const packed = await readFile(join(commonDir, 'packed-refs'), 'latin1').catch(() => '')
  return packed.includes(' refs/remotes/')
}

const operationMarks: readonly (readonly [string, NonNullable<GitReadiness['operationInProgress']>])[] = [
  ['rebase-merge', 'rebase'], ['rebase-apply', 'rebase'], ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'], ['REVERT_HEAD', 'revert'], ['BISECT_LOG', 'bisect']
]

async function findOperation (gitDir: string): Promise<GitReadiness['operationInProgress']> {
  const names = new Set(await readdir(gitDir).catch(() => []))
  return operationMarks.find(([name]) => names.has(name))?.[1] ?? null
}
