/** Writes a working state into the object database as the commits of a snapshot; no ref points at them yet. */
import { join } from 'node:path'
import { GitFailed, type Git } from './exec.ts'
import type { BytePath } from './byte-path.ts'
import { findEmptyFolders, type EmptyFolders } from './empty-folders.ts'
import type { FileState } from './file-state.ts'
import type { IndexEntry } from './index-file.ts'
import { INDEX_FILE, MANIFEST_FILE, PROGRESS_FOLDER, type Manifest } from './manifest.ts'
import { withScratch, writeBlob, writeBlobs, writeCommit, writeTree, type TreeEntry } from './objects.ts'
import { loggedCommits, mentionedObjects } from './progress-files.ts'
import type { RescueSnapshot } from './snapshot.ts'
import { fetchLocalCommits } from './submodules.ts'
import { describeStatus } from './status.ts'
import { fingerprintOf, type WorkingState } from './working-state.ts'

export interface StoreInput {
  worktreePath: string
  workspaceId: string
  state: WorkingState
  rescueIgnored: readonly string[]
  ref: string
  /** The snapshot the ref points at so far. */
  previous: string | null
}

/** What has been written, and what its trees have to hold: for the verification. */
export interface StoredState {
  snapshot: RescueSnapshot
  previous: string | null
  trees: { treeish: string, entries: TreeEntry[] }[]
}

/**
 * Stores `state` and gives the snapshot; null when a file on disk is no longer the one that was looked at.
 * Laid out like a stash, so that `git stash apply --index <ref>` works without this service: the worktree commit has the
 * parents HEAD, index and untracked files, and as a fourth the manifest, whose parents keep everything else reachable.
 */
export async function storeState (git: Git, input: StoreInput): Promise<StoredState | null> {
  const { state, worktreePath: cwd } = input
  if (!await storeFiles(git, cwd, [...state.changed, ...state.untracked, ...state.ignored])) return null
  // A walk over the disk, while git is at work.
  const emptyFolders = findEmptyFolders(cwd, state)
  const at = new Date()
  const index = stagedEntries(state.index?.entries ?? [])
  const worktree = worktreeEntries(index, state)
  const untracked = [...state.untracked, ...state.ignored].map(toTreeEntry)
  const commit = async (entries: readonly TreeEntry[], parents: readonly string[], what: string, tree?: string) =>
    await writeCommit(git, cwd, { tree: tree ?? await writeTree(git, cwd, entries), parents, at, message: `${what} of workspace ${input.workspaceId}\n` })

  // Before the first commit there is no HEAD to be the parent: an empty commit takes its place.
  const head = state.headSha ?? await commit([], [], 'Nothing before')
  const indexCommit = await commit(index, [head], 'Index')
  const untrackedCommit = await commit(untracked, [], 'Untracked files')
  const logged = loggedCommits(state.progress, state.headSha)
  const manifest = buildManifest(input, { indexCommit, untrackedCommit, at, emptyFolders: await emptyFolders, warnings: logged.warnings })
  const manifestEntries = await storeManifest(git, cwd, manifest, state)
  await fetchLocalCommits(git, cwd, state.submodules)
  const ofSubmodules = [...new Set(state.submodules.flatMap(({ tips }) => tips.map(({ sha }) => sha)))]
  const kept = [...await existingCommits(git, cwd, [...new Set([...mentionedObjects(state.progress), ...logged.commits])]), ...ofSubmodules]
  const manifestCommit = await commit(manifestEntries, [...(input.previous === null ? [] : [input.previous]), ...kept], 'Manifest')
  const sameTree = state.changed.length + state.absent.length === 0 ? `${indexCommit}^{tree}` : undefined
  const worktreeCommit = await commit(worktree, [head, indexCommit, untrackedCommit, manifestCommit], 'Rescued state', sameTree)
  return {
    snapshot: toSnapshot(manifest, input.ref, worktreeCommit),
    previous: input.previous,
    trees: [
      { treeish: indexCommit, entries: index },
      { treeish: untrackedCommit, entries: untracked },
      { treeish: worktreeCommit, entries: worktree },
      { treeish: manifestCommit, entries: manifestEntries }
    ]
  }
}

const toTreeEntry = ({ path, mode, sha }: TreeEntry): TreeEntry => ({ path, mode, sha })

/** Stores the files' bytes; false when one is no longer what was hashed before. */
async function storeFiles (git: Git, cwd: string, files: readonly FileState[]): Promise<boolean> {
  return await withScratch(async scratch => {
    const paths: BytePath[] = []
    for (const [at, file] of files.entries()) {
      if (file.linkTarget === null) {
        paths.push(file.path)
        continue
      }
      const path = join(scratch, `link-${at}`)
      await git.files.writeFile(path, file.linkTarget, {})
      paths.push(Buffer.from(path).toString('latin1'))
    }
    try {
      const ids = await writeBlobs(git, cwd, paths)
      return files.every((file, at) => ids[at] === file.sha)
    } catch (error) {
      // A file that has gone since it was looked at ends the whole call. Anything else (a full disk) will end the next try too.
      if (error instanceof GitFailed && /could not open|No such file|Not a directory|Is a directory/.test(error.stderr) && !/Permission denied/.test(error.stderr)) return false
      throw error
    }
  }, git.files)
}

/** The index as a tree: conflicts and files only announced by `add -N` are in the manifest's copy of the index. */
function stagedEntries (entries: readonly IndexEntry[]): TreeEntry[] {
  return entries.filter(entry => entry.stage === 0 && !entry.intentToAdd).map(toTreeEntry)
}

/** The tracked files as they were on disk. */
function worktreeEntries (index: readonly TreeEntry[], state: WorkingState): TreeEntry[] {
  const entries = new Map(index.map(entry => [entry.path, entry]))
  for (const path of state.absent) entries.delete(path)
  for (const file of state.changed) entries.set(file.path, toTreeEntry(file))
  return [...entries.values()]
}

function buildManifest (input: StoreInput, made: { indexCommit: string, untrackedCommit: string, at: Date, emptyFolders: EmptyFolders, warnings: string[] }): Manifest {
  const { state } = input
  const stored = [...state.changed, ...state.untracked, ...state.ignored].filter(file => file.linkTarget === null)
  return {
    version: 1,
    workspaceId: input.workspaceId,
    headSha: state.headSha,
    branch: state.branch,
    hash: state.hash,
    hasIndex: state.index !== null,
    permissions: Object.fromEntries(stored.map(file => [file.path, file.permissions])),
    converted: state.converted,
    rescueIgnored: [...input.rescueIgnored],
    emptyFolders: made.emptyFolders.paths,
    parts: state.parts,
    ...describeStatus(state.status, state.ignored.map(file => file.path)),
    indexCommit: made.indexCommit,
    untrackedCommit: made.untrackedCommit,
    takenAt: made.at.toISOString(),
    warnings: [...state.warnings, ...made.emptyFolders.warnings, ...made.warnings]
  }
}

function toSnapshot (manifest: Manifest, ref: string, worktreeCommit: string): RescueSnapshot {
  const { workspaceId, headSha, branch, counts, files, fileCount, indexCommit, untrackedCommit, takenAt, warnings } = manifest
  return { workspaceId, ref, headSha, branch, indexCommit, worktreeCommit, untrackedCommit, fingerprint: fingerprintOf(manifest.parts), counts, files, fileCount, takenAt, warnings }
}

/** Stores the manifest, the index as a file, all sides of conflicts and git's progress files; gives them as a tree. */
async function storeManifest (git: Git, cwd: string, manifest: Manifest, state: WorkingState): Promise<TreeEntry[]> {
  const blob = async (path: string, content: string | Buffer): Promise<TreeEntry> => ({ path, mode: '100644', sha: await writeBlob(git, cwd, content) })
  const entries = [await blob(MANIFEST_FILE, JSON.stringify(manifest))]
  if (state.index !== null) entries.push(await blob(INDEX_FILE, state.index.bytes))
  for (const file of state.progress) entries.push(await blob(`${PROGRESS_FOLDER}/${Buffer.from(file.path).toString('latin1')}`, file.content))
  // A file announced by `add -N` stands for an empty one, which status wants to find.
  if (state.index?.entries.some(entry => entry.intentToAdd) === true) entries.push(await blob('empty', ''))
  const sides = (state.index?.entries ?? []).filter(entry => entry.stage !== 0)
  return [...entries, ...sides.map(entry => ({ ...toTreeEntry(entry), path: `conflicts/${entry.stage}/${entry.path}` }))]
}

async function existingCommits (git: Git, cwd: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const { stdout } = await git(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { cwd, input: ids.map(id => `${id}\n`).join('') })
  return stdout.split('\n').filter(line => line.endsWith(' commit')).map(line => line.split(' ')[0] ?? '')
}
