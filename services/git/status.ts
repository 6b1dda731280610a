/** Reads a worktree's state with one `git status` and turns porcelain v2 into data. */
import type { BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import { MAX_LISTED_FILES, type RescueCounts, type RescueDescription, type RescuedFile, type RescuedFileStatus } from './snapshot.ts'
import { toDisplay } from './byte-path.ts'

export interface StatusEntry {
  path: BytePath
  /** `tracked` differs from HEAD or from the index, `conflicted` is unmerged. */
  kind: 'tracked' | 'conflicted' | 'untracked' | 'ignored'
  /** Index against HEAD: `.`, M, A, D, R, C, T or U; `.` for untracked and ignored ones. */
  staged: string
  /** Working tree against index. */
  unstaged: string
  /** Four characters such as `N...` or `SCMU`; starts with S for a submodule. */
  submodule: string
  /** Mode in HEAD, in the index and in the working tree (`000000` is nothing); '' where it does not apply. */
  modes: { head: string, index: string, worktree: string }
  /** The path it was renamed or copied from. */
  renamedFrom: BytePath | null
}

export interface WorktreeStatus {
  /** null before the first commit. */
  headSha: string | null
  /** null when HEAD is detached. */
  branch: string | null
  entries: StatusEntry[]
}

export interface StatusOptions {
  path: string
  /** Also list ignored files; folders that are ignored as a whole come as one entry ending in `/`. */
  ignored: boolean
  renames: boolean
  /** Only tells which commit a submodule is at, without looking into it: git can't, in a worktree that was renamed. */
  submoduleCommitsOnly?: boolean
  /** Further variables for git. */
  env?: Record<string, string>
  signal?: AbortSignal
}

/**
 * Runs `git status` without writing the index. Throws GitFailed, also when git could not look into a folder:
 * what was not seen must not be taken for nothing.
 */
export async function readStatus (git: Git, options: StatusOptions): Promise<WorktreeStatus> {
  const { stdout, stderr } = await git.bytes([
    'status', '--porcelain=v2', '--branch', '-z', '--untracked-files=all', `--ignore-submodules=${options.submoduleCommitsOnly === true ? 'dirty' : 'none'}`,
    options.renames ? '--renames' : '--no-renames',
    `--ignored=${options.ignored ? 'matching' : 'no'}`
  ], {
    cwd: options.path,
    ...(options.env && { env: options.env }),
    // Settings that make git trust less than the file system says, or look at less: a name that differs only in case is another file's.
    config: [['core.untrackedCache', 'false'], ['core.ignoreCase', 'false'], ['core.checkStat', 'default'], ['core.trustctime', 'true'], ['core.ignoreStat', 'false']],
    ...(options.signal && { signal: options.signal })
  })
  const blind = stderr.split('\n').find(line => line.includes('could not open directory'))
  if (blind !== undefined) throw new Error(`git could not look everywhere: ${blind.replace('warning: ', '')}`)
  return parseStatus(stdout.toString('latin1'))
}

/** Parses `status --porcelain=v2 --branch -z`, read as latin1. */
export function parseStatus (text: string): WorktreeStatus {
  const status: WorktreeStatus = { headSha: null, branch: null, entries: [] }
  const records = text.split('\0')
  for (let at = 0; at < records.length; at++) {
    const record = records[at] ?? ''
    const type = record[0]
    if (type === '#') readHeader(status, record)
    else if (type === '1') status.entries.push(changed(record, 8, null))
    else if (type === '2') status.entries.push(changed(record, 9, records[++at] ?? ''))
    else if (type === 'u') status.entries.push(changed(record, 10, null))
    else if (type === '?') status.entries.push(untrackedEntry(record.slice(2)))
    else if (type === '!') status.entries.push({ ...untrackedEntry(record.slice(2)), kind: 'ignored' })
  }
  return status
}

function readHeader (status: WorktreeStatus, record: string): void {
  const [, name, value = ''] = /^# (\S+) (.*)$/s.exec(record) ?? []
  if (name === 'branch.oid') status.headSha = value === '(initial)' ? null : value
  if (name === 'branch.head') status.branch = value === '(detached)' ? null : Buffer.from(value, 'latin1').toString('utf8')
}

/** A changed entry: `fields` space-separated fields, then the path, which may hold spaces itself. */
function changed (record: string, fields: number, renamedFrom: BytePath | null): StatusEntry {
  const parts = record.split(' ')
  const xy = parts[1] ?? '..'
  const isConflict = record[0] === 'u'
  return {
    path: parts.slice(fields).join(' '),
    kind: isConflict ? 'conflicted' : 'tracked',
    staged: xy[0] ?? '.',
    unstaged: xy[1] ?? '.',
    submodule: parts[2] ?? 'N...',
    modes: isConflict
      ? { head: '', index: '', worktree: parts[6] ?? '' }
      : { head: parts[3] ?? '', index: parts[4] ?? '', worktree: parts[5] ?? '' },
    renamedFrom
  }
}

/** What status says of a file that git does not track. */
export function untrackedEntry (path: BytePath): StatusEntry {
  return { path, kind: 'untracked', staged: '.', unstaged: '.', submodule: 'N...', modes: { head: '', index: '', worktree: '' }, renamedFrom: null }
}

/** Whether an entry is a repository that lies in the worktree without being a submodule: git looks into any other folder. */
export function isRepositoryInside ({ kind, path }: Pick<StatusEntry, 'kind' | 'path'>): boolean {
  return kind === 'untracked' && path.endsWith('/')
}

/** Why that stands in the way of a snapshot. */
export function repositoryInside (path: BytePath): string {
  return `${toDisplay(path)} is a git repository of its own, which a snapshot can not hold`
}

/** What a snapshot of this state would hold; `ignored` are the ignored files it would take along. */
export function describeStatus (entries: readonly StatusEntry[], ignored: readonly BytePath[]): RescueDescription {
  const counts: RescueCounts = { staged: 0, modified: 0, deleted: 0, untracked: 0, ignored: 0, conflicted: 0 }
  const files: RescuedFile[] = []
  let fileCount = 0
  const add = (path: BytePath, status: RescuedFileStatus) => {
    counts[status]++
    fileCount++
    if (files.length < MAX_LISTED_FILES) files.push({ path: toDisplay(path), status })
  }
  for (const entry of entries) {
    if (entry.kind === 'conflicted' || entry.kind === 'untracked') add(entry.path, entry.kind)
    if (entry.kind !== 'tracked') continue
    if (entry.staged !== '.') add(entry.path, 'staged')
    if (entry.unstaged !== '.') add(entry.path, entry.unstaged === 'D' ? 'deleted' : 'modified')
  }
  for (const path of ignored) add(path, 'ignored')
  return { counts, files, fileCount }
}
