/** Writes a working state into the object database as the commits of a snapshot; no ref points at them yet. */
import type { BytePath } from './byte-path.ts'
import { findEmptyFolders, readFolderPermissions, type EmptyFolders } from './empty-folders.ts'
import type { Git } from './exec.ts'
import type { IndexEntry } from './index-file.ts'
import { makeCommit, makeObject, makeTrees, type GitObject, type ObjectType, type TreeEntry } from './make-objects.ts'
import { INDEX_FILE, MANIFEST_FILE, PROGRESS_FOLDER, type Manifest } from './manifest.ts'
import { loggedCommits, mentionedObjects } from './progress-files.ts'
import type { RescueSnapshot } from './snapshot.ts'
import { fetchLocalCommits } from './submodules.ts'
import { describeStatus } from './status.ts'
import { fingerprintOf } from './state-parts.ts'
import type { WorkingState } from './working-state.ts'
import { writeObjects } from './write-objects.ts'

export interface StoreInput {
  worktreePath: string
  workspaceId: string
  state: WorkingState
  rescueIgnored: readonly string[]
  ref: string
}

/** What has been written: for the verification. */
export interface StoredState {
  snapshot: RescueSnapshot
  /** The snapshot the ref pointed at so far. */
  previous: string | null
  /** Everything the snapshot consists of beside the files that are in HEAD or only in the index; no id twice. */
  objects: { id: string, type: ObjectType }[]
}

/**
 * Stores `state` and gives the snapshot; null when a file on disk is no longer the one that was looked at.
 * Laid out like a stash, so that `git stash apply --index <ref>` works without this service: the worktree commit has the
 * parents HEAD, index and untracked files, and as a fourth the manifest, whose parents keep everything else reachable.
 * Everything is made here, ids included, and handed to git as one pack.
 */
export async function storeState (git: Git, input: StoreInput): Promise<StoredState | null> {
  const { state, worktreePath: cwd } = input
  const { hash } = state
  // A walk over the disk, while git is at work.
  const passedOver = lookBetween(cwd, state)
  // Thrown where it is waited for.
  passedOver.catch(() => {})
  await fetchLocalCommits(git, cwd, state.submodules)
  const known = await lookUp(git, cwd, input)
  const index = stagedEntries(state.index?.entries ?? [])
  const indexTrees = makeTrees(hash, index)
  // What HEAD holds need not be stored again; most of it where nothing is staged, and then it is the very tree.
  const inHead = indexTrees[0].id === known.headTree ? new Set(indexTrees.map(({ id }) => id)) : await treesOf(git, cwd, known.headTree)
  const files = [...state.changed, ...state.untracked, ...state.ignored]
  const made = makeSnapshot(input, known, { indexTrees, passedOver: await passedOver })
  const missing = made.objects.filter(({ id }) => !inHead.has(id))
  if (!await writeObjects(git, { hash, objects: missing, files, root: cwd })) return null
  const objects = new Map([...made.objects, ...files.map(({ sha }) => ({ id: sha, type: 'blob' as const }))].map(({ id, type }) => [id, { id, type }]))
  return { snapshot: toSnapshot(made.manifest, input.ref, made.worktreeCommit), previous: known.previous, objects: [...objects.values()] }
}

interface PassedOver extends EmptyFolders { permissions: Record<BytePath, number> }

/** Folders: git keeps none of them. */
async function lookBetween (cwd: string, state: WorkingState): Promise<PassedOver> {
  const empty = await findEmptyFolders(cwd, state)
  return { ...empty, permissions: await readFolderPermissions(cwd, [...state.untracked, ...state.ignored].map(file => file.path), empty.paths) }
}

interface Known {
  headTree: string | null
  previous: string | null
  /** Commits that files of git's own progress, and its logs, speak of. */
  mentioned: string[]
  /** What is left out of them. */
  warnings: string[]
}

/** Asks once for all that has to be known of the repository. */
async function lookUp (git: Git, cwd: string, { state, ref }: StoreInput): Promise<Known> {
  const logged = loggedCommits(state.progress, state.headSha)
  const names = [state.headSha === null ? '' : `${state.headSha}^{tree}`, `${ref}^{commit}`, ...new Set([...mentionedObjects(state.progress), ...logged.commits])]
  const { stdout } = await git(['cat-file', '--batch-check=%(objecttype) %(objectname)'], { cwd, input: names.map(name => `${name}\n`).join('') })
  const [headTree = '', previous = '', ...mentioned] = stdout.split('\n')
  const idOf = (line: string, type: string) => line.startsWith(`${type} `) ? line.slice(type.length + 1) : null
  return { headTree: idOf(headTree, 'tree'), previous: idOf(previous, 'commit'), mentioned: mentioned.flatMap(line => idOf(line, 'commit') ?? []), warnings: logged.warnings }
}

async function treesOf (git: Git, cwd: string, tree: string | null): Promise<Set<string>> {
  if (tree === null) return new Set()
  const { stdout } = await git.bytes(['ls-tree', '-r', '-d', '-z', '--full-tree', tree], { cwd })
  return new Set([tree, ...stdout.toString('latin1').split('\0').map(line => line.slice(0, line.indexOf('\t')).split(' ')[2] ?? '')])
}

interface MadeSnapshot { manifest: Manifest, worktreeCommit: string, objects: GitObject[] }

/** The objects of a snapshot beside the files. */
function makeSnapshot (input: StoreInput, known: Known, { indexTrees, passedOver }: { indexTrees: readonly [GitObject, ...GitObject[]], passedOver: PassedOver }): MadeSnapshot {
  const { state } = input
  const { hash } = state
  const at = new Date()
  const objects: GitObject[] = [...indexTrees]
  const commit = (trees: readonly [GitObject, ...GitObject[]], parents: readonly string[], what: string): string => {
    const made = makeCommit(hash, { tree: trees[0].id, parents, at, message: `${what} of workspace ${input.workspaceId}\n` })
    objects.push(...trees, made)
    return made.id
  }
  // Before the first commit there is no HEAD to be the parent: an empty commit takes its place.
  const head = state.headSha ?? commit(makeTrees(hash, []), [], 'Nothing before')
  const indexCommit = commit(indexTrees, [head], 'Index')
  const untrackedCommit = commit(makeTrees(hash, [...state.untracked, ...state.ignored]), [], 'Untracked files')
  const manifest = buildManifest(input, { indexCommit, untrackedCommit, at, passedOver, warnings: known.warnings })
  const { blobs, entries } = makeManifest(manifest, state)
  objects.push(...blobs)
  const ofSubmodules = [...new Set(state.submodules.flatMap(({ tips }) => tips.map(({ sha }) => sha)))]
  const manifestCommit = commit(makeTrees(hash, entries), [...(known.previous === null ? [] : [known.previous]), ...known.mentioned, ...ofSubmodules], 'Manifest')
  const isAsStaged = state.changed.length + state.absent.length === 0
  const worktreeTrees = isAsStaged ? indexTrees : makeTrees(hash, worktreeEntries(stagedEntries(state.index?.entries ?? []), state))
  return { manifest, objects, worktreeCommit: commit(worktreeTrees, [head, indexCommit, untrackedCommit, manifestCommit], 'Rescued state') }
}

const toTreeEntry = ({ path, mode, sha }: TreeEntry): TreeEntry => ({ path, mode, sha })

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

function buildManifest (input: StoreInput, made: { indexCommit: string, untrackedCommit: string, at: Date, passedOver: PassedOver, warnings: string[] }): Manifest {
  const { state } = input
  const stored = [...state.changed, ...state.untracked, ...state.ignored].filter(file => file.linkTarget === null)
  return {
    version: 1,
    workspaceId: input.workspaceId,
    headSha: state.headSha,
    branch: state.branch,
    hash: state.hash,
    hasIndex: state.index !== null,
    permissions: { ...Object.fromEntries(stored.map(file => [file.path, file.permissions])), ...made.passedOver.permissions },
    converted: state.converted,
    rescueIgnored: [...input.rescueIgnored],
    emptyFolders: made.passedOver.paths,
    parts: state.parts,
    ...describeStatus(state.status, state.ignored.map(file => file.path)),
    indexCommit: made.indexCommit,
    untrackedCommit: made.untrackedCommit,
    takenAt: made.at.toISOString(),
    warnings: [...state.warnings, ...made.passedOver.warnings, ...made.warnings]
  }
}

function toSnapshot (manifest: Manifest, ref: string, worktreeCommit: string): RescueSnapshot {
  const { workspaceId, headSha, branch, counts, files, fileCount, indexCommit, untrackedCommit, takenAt, warnings } = manifest
  return { workspaceId, ref, headSha, branch, indexCommit, worktreeCommit, untrackedCommit, fingerprint: fingerprintOf(manifest.parts), counts, files, fileCount, takenAt, warnings }
}

/** The manifest, the index as a file, all sides of conflicts and git's progress files. */
function makeManifest (manifest: Manifest, state: WorkingState): { blobs: GitObject[], entries: TreeEntry[] } {
  const contents = new Map<string, string | Buffer>([[MANIFEST_FILE, JSON.stringify(manifest)]])
  if (state.index !== null) contents.set(INDEX_FILE, state.index.bytes)
  for (const file of state.progress) contents.set(`${PROGRESS_FOLDER}/${Buffer.from(file.path).toString('latin1')}`, file.content)
  // A file announced by `add -N` stands for an empty one, which status wants to find.
  if (state.index?.entries.some(entry => entry.intentToAdd) === true) contents.set('empty', '')
  const made = [...contents].map(([path, content]) => ({ path, blob: makeObject(state.hash, 'blob', content) }))
  const sides = (state.index?.entries ?? []).filter(entry => entry.stage !== 0)
  return {
    blobs: made.map(({ blob }) => blob),
    entries: [
      ...made.map(({ path, blob }) => ({ path, mode: '100644', sha: blob.id })),
      ...sides.map(entry => ({ ...toTreeEntry(entry), path: `conflicts/${entry.stage}/${entry.path}` }))
    ]
  }
}
