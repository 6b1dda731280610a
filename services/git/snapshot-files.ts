/** What a rescue snapshot holds, file by file, read from the commits it is made of. */
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { toDisplay, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import { matchesAny } from './ignored.ts'
import { readManifest } from './manifest.ts'
import type { TreeEntry } from './make-objects.ts'
import { readTree } from './objects.ts'
import type { RescuedFileStatus, RescueSnapshot } from './snapshot.ts'

export type SnapshotCommits = Pick<RescueSnapshot, 'indexCommit' | 'worktreeCommit' | 'untrackedCommit'>

/** A file that was not committed, as the snapshot keeps it. One that was staged and changed again appears twice. */
export interface SnapshotFile {
  /** Relative to the worktree; bytes that are no UTF-8 show as U+FFFD. */
  path: string
  status: RescuedFileStatus
  /** git's: `100644`, `100755`, `120000` a symbolic link, `160000` a submodule; null for one that was deleted. */
  mode: string | null
  /** Null for one that was deleted, and for a submodule. */
  sizeBytes: number | null
}

interface Change { path: BytePath, mode: string, sha: string }

const absentMode = '000000'
const submoduleMode = '160000'

/**
 * Every file the snapshot keeps beside what was committed, by path. Costs four git processes, whatever their number.
 * Throws GitFailed (or an Error, for a snapshot of another version) when it can't be read.
 */
export async function listSnapshotFiles (git: Git, repoRoot: string, { indexCommit, worktreeCommit, untrackedCommit }: SnapshotCommits): Promise<SnapshotFile[]> {
  const [manifest, staged, unstaged, loose] = await Promise.all([
    readManifest(git, repoRoot, worktreeCommit),
    // The first parent is HEAD, or an empty commit where there was none.
    changesBetween(git, repoRoot, `${worktreeCommit}^1`, indexCommit),
    changesBetween(git, repoRoot, indexCommit, worktreeCommit),
    readTree(git, repoRoot, untrackedCommit)
  ])
  const listed = new Map(manifest.files.map(file => [file.path, file.status]))
  const isConflicted = ({ path }: Change) => listed.get(toDisplay(path)) === 'conflicted'
  // The list in the manifest ends at some length; beyond it the globs tell what was ignored.
  const isIgnored = ({ path }: Change) => manifest.counts.ignored > 0 && (listed.get(toDisplay(path)) ?? (matchesAny(path, manifest.rescueIgnored) ? 'ignored' : null)) === 'ignored'
  const conflicted = new Map([...staged, ...unstaged].filter(isConflicted).map(change => [change.path, change]))
  const all: { change: Change, status: RescuedFileStatus }[] = [
    ...[...conflicted.values()].map(change => ({ change, status: 'conflicted' as const })),
    ...staged.filter(change => !isConflicted(change)).map(change => ({ change, status: 'staged' as const })),
    ...unstaged.filter(change => !isConflicted(change)).map(change => ({ change, status: change.mode === absentMode ? 'deleted' as const : 'modified' as const })),
    ...loose.map(change => ({ change, status: isIgnored(change) ? 'ignored' as const : 'untracked' as const }))
  ]
  const sizes = await sizesOf(git, repoRoot, all.map(({ change }) => change).filter(hasContent).map(({ sha }) => sha))
  return all
    .sort((a, b) => a.change.path < b.change.path ? -1 : a.change.path > b.change.path ? 1 : 0)
    .map(({ change, status }) => ({
      path: toDisplay(change.path),
      status,
      mode: change.mode === absentMode ? null : change.mode,
      sizeBytes: hasContent(change) ? sizes.get(change.sha) ?? null : null
    }))
}

const hasContent = ({ mode }: Change) => mode !== absentMode && mode !== submoduleMode

/** The files that differ between two commits, as they are in the second. */
async function changesBetween (git: Git, cwd: string, before: string, after: string): Promise<Change[]> {
  const { stdout } = await git.bytes(['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--end-of-options', before, after], { cwd })
  const fields = stdout.toString('latin1').split('\0')
  const changes: Change[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', , sha = ''] = (fields[at] ?? '').split(' ')
    changes.push({ mode, sha, path: fields[at + 1] ?? '' })
  }
  return changes
}

async function sizesOf (git: Git, cwd: string, shas: readonly string[]): Promise<Map<string, number>> {
  if (shas.length === 0) return new Map()
  const { stdout } = await git(['cat-file', '--batch-check=%(objectname) %(objectsize)'], { cwd, input: shas.map(sha => `${sha}\n`).join('') })
  return new Map(stdout.split('\n').flatMap(line => {
    const [sha = '', size = ''] = line.split(' ')
    return /^\d+$/.test(size) ? [[sha, Number(size)] as const] : []
  }))
}

/**
 * One file of the snapshot: as it was on disk (untracked and rescued ignored ones too), or as it was staged. Also a file
 * that was not changed. Null when the snapshot has none at this path.
 * @param path as `listSnapshotFiles` shows it
 */
export async function findSnapshotFile (git: Git, repoRoot: string, snapshot: SnapshotCommits, path: string, from: 'worktree' | 'index'): Promise<TreeEntry | null> {
  const commits = from === 'index' ? [snapshot.indexCommit] : [snapshot.worktreeCommit, snapshot.untrackedCommit]
  for (const commit of commits) {
    const found = (await readTree(git, repoRoot, commit)).find(entry => toDisplay(entry.path) === path)
    if (found !== undefined) return found
  }
  return null
}

/** The bytes of a blob as a stream, at the reader's pace; leaving it ends git. */
export function readBlobStream (git: Git, cwd: string, sha: string): Readable {
  const left = new AbortController()
  const out = new PassThrough()
  out.once('close', () => left.abort())
  const onStdout = async (chunk: Buffer) => {
    if (!out.write(chunk)) await once(out, 'drain', { signal: left.signal })
  }
  git.bytes(['cat-file', 'blob', sha], { cwd, onStdout, signal: left.signal })
    .then(() => { out.end() }, (error: unknown) => { out.destroy(error instanceof Error ? error : new Error(String(error))) })
  return out
}
