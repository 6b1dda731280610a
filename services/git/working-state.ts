/** Reads everything a rescue snapshot covers, without writing anything: HEAD, index, files on disk, work in progress. */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { dirname } from 'node:path/posix'
import { toDisplay, type BytePath } from './byte-path.ts'
import { askGit, findCheckout, type Checkout } from './checkout.ts'
import { hasAttributes, settingsConvert, smudgesToDisk } from './conversion.ts'
import type { Git } from './exec.ts'
import { createFileReader, FILES_AT_A_TIME, mapLimited, type FileState } from './file-state.ts'
import { chooseIgnored } from './ignored.ts'
import { findIgnoredWork } from './ignored-repositories.ts'
import { parseIndex, parsePlainIndex, type HashName, type IndexEntry, type PortableIndex } from './index-file.ts'
import { withScratch } from './objects.ts'
import { readProgressFiles, type ProgressFile } from './progress-files.ts'
import { readSettings, type Settings } from './settings.ts'
import { digestParts, type StateParts } from './state-parts.ts'
import { isRepositoryInside, readStatus, repositoryInside, untrackedEntry, type StatusEntry } from './status.ts'
import { findLeftRepositories, listLooseFiles } from './submodule-remains.ts'
import { findSubmoduleWork, type LocalCommits } from './submodules.ts'

export interface WorkingState {
  hash: HashName
  gitDir: string
  headSha: string | null
  branch: string | null
  /** null when the worktree has no index file. */
  index: PortableIndex | null
  status: StatusEntry[]
  /** Tracked files whose bytes on disk are not those in the index. */
  changed: FileState[]
  /** Tracked paths with nothing (or a folder) on disk. */
  absent: BytePath[]
  /** Large unchanged files that a filter makes from the index exactly as they are on disk. */
  converted: BytePath[]
  untracked: FileState[]
  /** The chosen ignored files. */
  ignored: FileState[]
  progress: ProgressFile[]
  /** Submodules with commits that are nowhere else. */
  submodules: LocalCommits[]
  parts: StateParts
  warnings: string[]
}

export interface StateInput {
  worktreePath: string
  rescueIgnored: readonly string[]
  signal?: AbortSignal
}

/**
 * Reads the state of the worktree at `worktreePath` (its top level). Throws an Error in words when something can't be
 * read or can't be kept: a repository inside, a submodule with work of its own, a folder git may not enter.
 */
export async function readWorkingState (git: Git, input: StateInput): Promise<WorkingState> {
  const { gitDir, commonDir } = await findTop(git, input.worktreePath)
  // git needs longest, for its own look.
  const [status, { hash, index, converts }, progress] = await Promise.all([
    readStatus(git, { path: input.worktreePath, ignored: true, renames: false, submoduleCommitsOnly: true, ...(input.signal && { signal: input.signal }) }),
    readBySettings(git, input.worktreePath, { gitDir, commonDir }),
    readProgressFiles(gitDir, git.files)
  ])
  refuseRepositoriesInside(status.entries)
  const files = createFileReader(input.worktreePath, hash)
  const entries = index?.entries ?? []
  const gitlinks = [...new Set(entries.filter(entry => entry.mode === '160000').map(entry => entry.path))]
  status.entries.push(...(await listLooseFiles(input.worktreePath, gitlinks)).map(untrackedEntry))
  const all = converts || hasAttributes([...entries, ...status.entries].map(entry => entry.path))
  const tracked = await readTracked(git, input, { files, status: status.entries, index: entries, all })
  const untracked = await readAll(files, status.entries.filter(entry => entry.kind === 'untracked').map(entry => entry.path))
  const chosen = await chooseIgnored(input.worktreePath, status.entries, input.rescueIgnored)
  const ignored = await readAll(files, chosen.chosen)
  const submodules = await findSubmoduleWork(git, input.worktreePath, gitlinks)
  const left = await findLeftRepositories(git, gitDir, submodules.repositories)
  if (submodules.reasons.length + left.reasons.length > 0) throw new Error([...submodules.reasons, ...left.reasons].join('; '))
  const ofIgnored = await findIgnoredWork(git, input.worktreePath, chosen.repositories)
  const commits = [...submodules.commits, ...left.commits, ...ofIgnored.commits]
  const state = { hash, gitDir, headSha: status.headSha, branch: status.branch, index, status: status.entries, ...tracked, untracked, ignored, progress, submodules: commits }
  const warnings = [...chosen.warnings, ...ofIgnored.warnings, ...submodules.populated.map(path => `The submodule ${toDisplay(path)} comes back without its files: \`git submodule update\` fetches them`), ...commits.map(of => howToFetch(of, commonDir))]
  return { ...state, warnings, parts: digestParts(state) }
}

/** They come back with the snapshot, but into the repository that owns it: only git's clone of the submodule can take them. */
function howToFetch ({ path, tips, kind = 'submodule' }: LocalCommits, commonDir: string): string {
  const shas = [...new Set(tips.map(({ sha }) => sha))]
  return `The own commits of the ${kind} ${toDisplay(path)} are kept in the snapshot: once it is cloned again, \`git -C ${toDisplay(path)} fetch ${commonDir} ${shas.join(' ')}\` brings them back`
}

/** @throws Error when `path` is no top of a checkout */
async function findTop (git: Git, path: string): Promise<Checkout> {
  const checkout = await findCheckout(git, path)
  if (checkout.topLevel !== path && checkout.topLevel !== await realpath(path)) throw notTheTop(path, checkout)
  return checkout
}

/** What can only be read, or told, once it is known how the repository is set up. */
async function readBySettings (git: Git, path: string, { gitDir, commonDir }: Pick<Checkout, 'gitDir' | 'commonDir'>): Promise<{ hash: HashName, index: PortableIndex | null, converts: boolean }> {
  const settings = await readSettings(git, path)
  const { hash } = settings
  const [index, converts] = await Promise.all([readIndex(git, path, { indexPath: join(gitDir, 'index'), hash }), settingsConvert(settings, commonDir), requirePlace(git, path, settings)])
  return { hash, index, converts }
}

/** Where the repository names the place of its files itself, it has to be this one. */
async function requirePlace (git: Git, path: string, { hasOwnPlace }: Settings): Promise<void> {
  if (!hasOwnPlace) return
  const checkout = await askGit(git, path)
  if (checkout.topLevel !== await realpath(path)) throw notTheTop(path, checkout)
}

const notTheTop = (path: string, { topLevel }: Checkout) => new Error(`${path} is not the top of a checkout (that is ${topLevel})`)

/** Reads the index; where that takes more than its entries, a copy that git has written in a plain form. The worktree's own is only read. */
async function readIndex (git: Git, cwd: string, { indexPath, hash }: { indexPath: string, hash: HashName }): Promise<PortableIndex | null> {
  const file = await git.files.readFile(indexPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return file === null ? null : parsePlainIndex(file, hash) ?? await rewriteIndex(git, cwd, file, hash)
}

async function rewriteIndex (git: Git, cwd: string, file: Buffer, hash: HashName): Promise<PortableIndex> {
  return await withScratch(async folder => {
    const copy = join(folder, 'index')
    await git.files.writeFile(copy, file, {})
    await git(['update-index', '--index-version', '2', '--force-write-index'], {
      cwd,
      env: { GIT_INDEX_FILE: copy },
      config: [['index.sparse', 'false'], ['core.splitIndex', 'false'], ['core.untrackedCache', 'false'], ['index.version', '2']]
    })
    return parseIndex(await git.files.readFile(copy), hash)
  }, git.files)
}

function refuseRepositoriesInside (entries: readonly StatusEntry[]): void {
  const inside = entries.find(isRepositoryInside)
  if (inside !== undefined) throw new Error(repositoryInside(inside.path))
}

interface TrackedInput { files: ReturnType<typeof createFileReader>, status: readonly StatusEntry[], index: readonly IndexEntry[], all: boolean }

/** Looks at every tracked file git calls changed, at those git was told not to look at, and at all where filters are at work. */
async function readTracked (git: Git, input: StateInput, { files, status, index, all }: TrackedInput): Promise<Pick<WorkingState, 'changed' | 'absent' | 'converted'>> {
  const unmodified = new Map(index.filter(entry => entry.stage === 0).map(entry => [entry.path, entry]))
  const submodules = new Set(index.filter(entry => entry.mode === '160000').map(entry => entry.path))
  const seenByGit = new Set(status.filter(entry => entry.kind === 'conflicted' || (entry.kind === 'tracked' && entry.unstaged !== '.')).map(entry => entry.path))
  const hidden = index.filter(entry => all || entry.assumeUnchanged || entry.skipWorktree || entry.intentToAdd || entry.stage !== 0)
  const deleted = new Set(status.filter(entry => entry.unstaged === 'D').map(entry => entry.path))
  // A submodule's place may hold a file by now; its folder is looked into elsewhere.
  const candidates = [...new Set([...seenByGit, ...hidden.map(entry => entry.path), ...findBeyondFiles(index, status), ...submodules])].sort()
  const result: Pick<WorkingState, 'changed' | 'absent' | 'converted'> = { changed: [], absent: [], converted: [] }
  const inIndex = new Set(index.map(entry => entry.path))
  await mapLimited(candidates, FILES_AT_A_TIME, async path => {
    const file = await files.read(path)
    const entry = unmodified.get(path)
    if (file === null) {
      if (inIndex.has(path) && (!submodules.has(path) || deleted.has(path))) result.absent.push(path)
    } else if (entry === undefined || entry.intentToAdd || file.sha !== entry.sha || file.mode !== entry.mode) {
      const isFiltered = entry !== undefined && !seenByGit.has(path) && file.mode === entry.mode && await smudgesToDisk(git, input.worktreePath, entry.sha, file)
      if (isFiltered) result.converted.push(path)
      else result.changed.push(file)
    }
  })
  const byPath = (a: FileState, b: FileState) => a.path < b.path ? -1 : 1
  return { changed: result.changed.sort(byPath), absent: result.absent.sort(), converted: result.converted.sort() }
}

/**
 * Tracked paths whose folder is a file or a link by now. git calls them deleted, but not where the link leads round in a
 * circle: it can't look there, says so on standard error only, and leaves them out.
 */
function findBeyondFiles (index: readonly IndexEntry[], status: readonly StatusEntry[]): BytePath[] {
  const others = new Set(status.filter(entry => entry.kind === 'untracked' || entry.kind === 'ignored').map(entry => entry.path))
  if (others.size === 0) return []
  const folderIsOther = new Map<BytePath, boolean>()
  const isBeyond = (path: BytePath): boolean => {
    const folder = dirname(path)
    if (folder === '.') return false
    const known = folderIsOther.get(folder) ?? (others.has(folder) || isBeyond(folder))
    folderIsOther.set(folder, known)
    return known
  }
  return index.map(entry => entry.path).filter(isBeyond)
}

async function readAll (files: ReturnType<typeof createFileReader>, paths: readonly BytePath[]): Promise<FileState[]> {
  const found = await mapLimited([...paths].sort(), FILES_AT_A_TIME, path => files.read(path))
  return found.filter(file => file !== null)
}
