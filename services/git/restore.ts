/** Brings a rescue snapshot back: HEAD, index and files as they were, checked before it says so. */
import { dirname, join } from 'node:path'
import { RestoreFailed } from '../errors.ts'
import { toDisplay, toFsPath } from './byte-path.ts'
import { isMadeOf } from './conversion.ts'
import { makeEmptyFolders, setFolderPermissions } from './empty-folders.ts'
import { gitReason, type Git } from './exec.ts'
import { createFileReader, FILES_AT_A_TIME, mapLimited, type FileState } from './file-state.ts'
import { INDEX_FILE, PROGRESS_FOLDER, loadBlobs, manifestCommit, readManifest, type Manifest } from './manifest.ts'
import type { TreeEntry } from './make-objects.ts'
import { readTree } from './objects.ts'
import { readProgressFiles } from './progress-files.ts'
import type { RescueSnapshot } from './snapshot.ts'
import { readStatus } from './status.ts'
import type { StateParts } from './state-parts.ts'
import { readWorkingState } from './working-state.ts'
import { removeFiles, writeFilesOf, type TargetFile } from './write-files.ts'

export interface RestoreInput {
  repoRoot: string
  worktreePath: string
  snapshot: RescueSnapshot
  /** It is on another branch than it was; that is no difference then. */
  otherBranch?: boolean
  signal?: AbortSignal
}

export interface RestoreResult {
  /** Files written or removed in the worktree. */
  changedFileCount: number
  /** What could not be brought back to the letter, in words (a submodule's files, ignore rules that changed since). */
  warnings: string[]
}

/**
 * Puts files, index and git's progress files back into a clean worktree attached at `snapshot.headSha` (see `attachSnapshot`), then
 * reads the worktree as a snapshot would and compares. Throws RestoreFailed before touching anything when the worktree has
 * changes of its own or another HEAD, and afterwards when it is not what was stored.
 */
export async function restoreSnapshot (git: Git, input: RestoreInput): Promise<RestoreResult> {
  const { worktreePath: cwd, snapshot } = input
  return await orRestoreFailed(cwd, async () => {
    const manifest = await readManifest(git, cwd, snapshot.worktreeCommit)
    await requireClean(git, input, manifest)
    const extras = await readTree(git, cwd, manifestCommit(snapshot.worktreeCommit))
    const contents = await loadBlobs(git, cwd, extras.filter(isRestored).map(entry => entry.sha))
    const changedFileCount = await restoreFiles(git, input, manifest)
    await restoreIndex(git, cwd, extras.filter(entry => entry.path === INDEX_FILE).map(entry => contents.get(entry.sha))[0] ?? null)
    await checkOutConverted(git, cwd, manifest)
    const unmade = await makeEmptyFolders(cwd, manifest.emptyFolders ?? [], git.files)
    unmade.push(...await setFolderPermissions(cwd, manifest.permissions, git.files))
    // Last: with the log of HEAD as it was, a restore that is cut off is known to have come to its end.
    await restoreProgress(git, cwd, extras, contents)
    return { changedFileCount, warnings: [...manifest.warnings, ...unmade, ...await compare(git, input, manifest)] }
  })
}

const isRestored = (entry: TreeEntry) => entry.path === INDEX_FILE || entry.path.startsWith(`${PROGRESS_FOLDER}/`)

async function requireClean (git: Git, { worktreePath: path, snapshot }: RestoreInput, { hash }: Manifest): Promise<void> {
  const status = await readStatus(git, { path, ignored: false, renames: false })
  if (status.headSha !== snapshot.headSha) throw new Error(`its HEAD is ${status.headSha ?? 'unborn'}, the snapshot was taken at ${snapshot.headSha ?? 'an unborn branch'}`)
  if (status.entries.length === 0) return
  const committed = new Map((snapshot.headSha === null ? [] : await readTree(git, path, snapshot.headSha)).map(entry => [entry.path, entry]))
  const files = createFileReader(path, hash)
  // Where a filter does not take back what it makes (line ends that were never normalised), git calls a file changed that it has just made.
  const isOwn = await mapLimited(status.entries, FILES_AT_A_TIME, async ({ path: name, kind, staged, unstaged }) => {
    const [entry, file] = [committed.get(name), await files.read(name)]
    const isUntouched = kind === 'tracked' && staged === '.' && unstaged === 'M' && entry?.mode === file?.mode
    return !(isUntouched && entry !== undefined && file !== null && await isMadeOf(git, path, entry.sha, file))
  })
  const first = status.entries.find((_, at) => isOwn[at])
  if (first !== undefined) throw new Error(`it has changes of its own, such as ${toDisplay(first.path)}, which would be overwritten`)
}

/** Makes the files on disk those of the snapshot; gives how many had to be touched. */
async function restoreFiles (git: Git, { worktreePath: root, snapshot }: RestoreInput, manifest: Manifest): Promise<number> {
  const stored = [...await readTree(git, root, snapshot.worktreeCommit), ...await readTree(git, root, snapshot.untrackedCommit)]
  const present = snapshot.headSha === null ? [] : await readTree(git, root, snapshot.headSha)
  const wanted = new Set(stored.map(entry => entry.path))
  const surplus = present.map(entry => entry.path).filter(path => !wanted.has(path))
  await removeFiles(root, surplus, git.files)
  const converted = new Set(manifest.converted)
  for (const entry of stored) if (entry.mode === '160000') await git.files.mkdir(toFsPath(root, entry.path), { recursive: true })
  const targets: TargetFile[] = stored.filter(entry => entry.mode !== '160000' && !converted.has(entry.path))
    .map(entry => ({ ...entry, permissions: manifest.permissions[entry.path] ?? null }))
  const files = createFileReader(root, manifest.hash)
  const states = await mapLimited(targets, 16, target => files.read(target.path))
  const different = targets.filter((target, at) => !isTarget(states[at] ?? null, target))
  await writeFilesOf(git, root, different)
  return surplus.length + different.length
}

function isTarget (file: FileState | null, target: TargetFile): boolean {
  return file !== null && file.sha === target.sha && file.mode === target.mode &&
    (target.permissions === null || file.linkTarget !== null || file.permissions === target.permissions)
}

/** Replaces the index the way git does: under its lock, by renaming. */
async function restoreIndex (git: Git, cwd: string, bytes: Buffer | null): Promise<void> {
  const { stdout } = await git(['rev-parse', '--path-format=absolute', '--git-path', 'index'], { cwd })
  const path = stdout.replace(/\n$/, '')
  if (bytes === null) return await git.files.rm(path, { force: true })
  await git.files.writeFile(`${path}.lock`, bytes, { flag: 'wx' })
  await git.files.rename(`${path}.lock`, path)
  // Fills in the file times, so that the next status does not have to read every file; 1 only says that something differs.
  await git(['update-index', '-q', '--refresh'], { cwd, allowExitCodes: [1] })
}

/** Lets git's filters make the large files that were not stored as they were; unchanged ones are there already. */
async function checkOutConverted (git: Git, cwd: string, manifest: Manifest): Promise<void> {
  if (manifest.converted.length === 0) return
  const input = Buffer.from(manifest.converted.map(path => `${path}\0`).join(''), 'latin1')
  await git(['checkout-index', '--force', '-z', '--stdin'], { cwd, input })
}

async function restoreProgress (git: Git, cwd: string, extras: readonly TreeEntry[], contents: ReadonlyMap<string, Buffer>): Promise<void> {
  const { stdout } = await git(['rev-parse', '--absolute-git-dir'], { cwd })
  const gitDir = stdout.replace(/\n$/, '')
  // Adding the worktree may have left some of its own.
  for (const file of await readProgressFiles(gitDir, git.files)) await git.files.rm(join(gitDir, file.path), { force: true })
  for (const entry of extras.filter(entry => entry.path.startsWith(`${PROGRESS_FOLDER}/`))) {
    const path = join(gitDir, toDisplay(entry.path.slice(PROGRESS_FOLDER.length + 1)))
    await git.files.mkdir(dirname(path), { recursive: true })
    await git.files.writeFile(path, contents.get(entry.sha) ?? Buffer.alloc(0), {})
  }
}

/** Reads everything again; a part that must be equal and is not fails, the others are told. */
async function compare (git: Git, input: RestoreInput, manifest: Manifest): Promise<string[]> {
  const { parts } = await readWorkingState(git, { worktreePath: input.worktreePath, rescueIgnored: manifest.rescueIgnored })
  // What submodules had of their own is in no worktree yet: that is told as a warning of the snapshot.
  const hadSubmodules = manifest.warnings.some(warning => warning.startsWith('The own commits of the '))
  const differs = (part: keyof StateParts) => parts[part] !== manifest.parts[part] && !(part === 'progress' && hadSubmodules)
  const words: Record<keyof StateParts, string> = {
    head: 'HEAD is', index: 'the index is', tracked: 'tracked files are', untracked: 'untracked files are', ignored: 'ignored files are', progress: "git's unfinished operation is"
  }
  const broken = (['index', 'tracked'] as const).filter(differs)
  if (broken.length > 0) throw new Error(`after restoring ${broken.map(part => words[part]).join(' and ')} not as stored`)
  const told = input.otherBranch === true ? ['untracked', 'ignored', 'progress'] as const : ['head', 'untracked', 'ignored', 'progress'] as const
  return told.filter(differs).map(part => `After restoring ${words[part]} not exactly as before`)
}

async function orRestoreFailed<T> (worktreePath: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new RestoreFailed(`${worktreePath} could not be restored: ${gitReason(cause)}`, { cause })
  }
}
