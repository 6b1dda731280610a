/** The files in which git remembers an unfinished rebase, merge or bisect of one worktree, where its HEAD was, and its own settings. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'

export interface ProgressFile {
  /** Relative to the worktree's git folder. */
  path: string
  content: Buffer
  /** Only its end was read. */
  cut?: true
}

/** Files and folders of a worktree's git folder that belong to its state, beside those whose names are all capitals. */
const progressNames = [
  'config.worktree', 'info/sparse-checkout', 'logs/HEAD', 'logs/refs/bisect', 'logs/refs/rewritten', 'logs/refs/worktree',
  'rebase-apply', 'rebase-merge', 'refs/bisect', 'refs/rewritten', 'refs/worktree', 'sequencer'
]

/** Pseudo refs (`MERGE_HEAD`, any of the user's own), drafts of messages, what bisect, merge and notes remember: git names all of it so. */
const capitals = /^[A-Z][A-Z0-9_]*$/

// A mailbox that `git am` is at holds whole patches. Above this it is no longer sure that memory is enough for it.
const MAX_PROGRESS_FILE_BYTES = 64 * 1024 * 1024
// Of a log more than this helps nobody.
const MAX_LOG_BYTES = 8 * 1024 * 1024

// Each is an argument and a line of one commit: some ten kilobytes. Nobody goes back further by hand.
const MAX_LOGGED_COMMITS = 1000

/**
 * Reads them from a worktree's git folder, sorted by path; of a log that is too large only its end. Throws an Error for another one that
 * is too large to be kept. @param files of the git that keeps them
 */
export async function readProgressFiles (gitDir: string, files: Pick<Files, 'readFile'> = ownFiles): Promise<ProgressFile[]> {
  const found: ProgressFile[] = []
  const inCapitals = (await readdir(gitDir)).filter(name => capitals.test(name) && name !== 'HEAD')
  const queue = [...progressNames, ...inCapitals]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (path.endsWith('.lock')) continue
    const at = await lstat(join(gitDir, path)).catch(() => null)
    if (at?.isDirectory() === true) queue.push(...(await readdir(join(gitDir, path))).map(name => `${path}/${name}`))
    else if (at?.isFile() === true) found.push(...await readOne(gitDir, path, at.size, files))
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1)
}

async function readOne (gitDir: string, path: string, bytes: number, files: Pick<Files, 'readFile'>): Promise<ProgressFile[]> {
  // What was fetched from so many places can be fetched again.
  if (path === fetched && bytes > MAX_LOG_BYTES) return []
  if (!isLog(path) && bytes > MAX_PROGRESS_FILE_BYTES) throw new Error(`${path}, in which git keeps what is unfinished, is too large to be kept (${bytes} bytes)`)
  const content = await files.readFile(join(gitDir, path))
  return [isLog(path) && bytes > MAX_LOG_BYTES ? { path, content: endOf(content), cut: true } : { path, content }]
}

const fetched = 'FETCH_HEAD'

const isLog = (path: string) => path.startsWith('logs/')

/** The last whole lines of a log. */
function endOf (content: Buffer): Buffer {
  const end = content.subarray(content.length - MAX_LOG_BYTES)
  return end.subarray(end.indexOf(10) + 1)
}

/** Object ids that the files speak of (commits to go on with, an autostash): they must stay reachable too. Logs are left to `loggedCommits`. */
export function mentionedObjects (files: readonly ProgressFile[]): string[] {
  const found = new Set<string>()
  for (const file of files.filter(file => !isLog(file.path))) {
    const text = file.content.toString('latin1')
    // A fetch notes every branch it has brought up to date; those have refs of their own.
    const own = file.path === fetched ? text.replace(/^.*\tnot-for-merge\t.*$/gm, '') : text
    for (const [id] of own.matchAll(/\b([0-9a-f]{64}|[0-9a-f]{40})\b/g)) found.add(id)
  }
  return [...found].filter(isObject)
}

const isObject = (id: string) => !/^0+$/.test(id)

/**
 * Commits that the logs of HEAD and the worktree's own refs name and that HEAD need not reach: amended, reset or rebased away. The
 * log goes with the worktree, and with it their last name. Newest first, at most 1,000; `warnings` say what is left out.
 * Leaves out what was committed on top of (`commit:`, see git-commit): who keeps the later commit has the earlier one.
 */
export function loggedCommits (files: readonly ProgressFile[], headSha: string | null): { commits: string[], warnings: string[] } {
  const logs = files.filter(file => isLog(file.path))
  const named = new Set<string>()
  const below = new Set<string>()
  for (const line of logs.flatMap(file => file.content.toString('latin1').split('\n').reverse())) {
    const [, before, after, action] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\t]*(?:\t(commit: )?|$)/.exec(line) ?? []
    if (before === undefined || after === undefined) continue
    if (action !== undefined) below.add(before)
    named.add(after).add(before)
  }
  const commits = [...named].filter(id => isObject(id) && id !== headSha && !below.has(id))
  const left = commits.length - MAX_LOGGED_COMMITS
  const warnings = logs.filter(file => file.cut).map(file => `Only the end of ${file.path}, git's log of where it was, is kept`)
  if (left > 0) warnings.push(`The ${left} oldest of the commits that only git's log of HEAD names (amended or reset away) are not kept`)
  return { commits: commits.slice(0, MAX_LOGGED_COMMITS), warnings }
}
