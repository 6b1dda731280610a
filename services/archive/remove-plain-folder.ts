/** Takes a folder that is no repository away: stored, renamed aside, compared with what is stored, and only then deleted. */
import { differenceFromStored, storeFolder, verifyStored } from '../folders/store-folder.ts'
import { placesOf, type StoredFolder } from '../folders/stored-folder.ts'
import { stepInput, warn, type ArchiveRun } from './archive-run.ts'
import { judgeRemoval } from './gather.ts'
import { FolderKept, asidePathOf, assertNoMounts, renameAside } from './remove-folder.ts'
import { bringBack, deleteAside, deletionGoesOn } from './remove-worktree.ts'

/**
 * Makes sure that the workspace's folder may be removed; gives its real path.
 * @throws FolderKept with the reason when it may not
 */
export async function examineFolder ({ deps, row }: ArchiveRun): Promise<string> {
  const verdict = await judgeRemoval(deps, row)
  if (!verdict.ok) throw new FolderKept(verdict.reason)
  await assertNoMounts(verdict.realPath)
  return verdict.realPath
}

/**
 * Stores the folder under an operation of its own; what is stored already and still true is kept.
 * @throws RescueFailed when it can't be stored
 */
export async function rescueFolder (run: ArchiveRun, path: string): Promise<StoredFolder> {
  const { deps, row, actor } = run
  const step = stepInput(row, actor, { phase: 'workspace_rescue', cwd: path, metadata: { action: 'archive' } })
  const { value } = await deps.recorder.run(step, async op => {
    const signal = AbortSignal.any([op.signal, run.op.signal])
    const stored = await stillStored(run, path, signal) ?? await storeAnew(run, path, signal)
    const { entryCount, byteCount } = stored
    op.annotate({ archive: placesOf(deps.dataDir, stored.name).archive, entryCount, byteCount })
    op.log.system(`Everything is kept in ${placesOf(deps.dataDir, stored.name).archive}: ${entryCount} files, folders and links of ${byteCount} bytes in all.`)
    return stored
  })
  for (const sentence of value.warnings) warn(run, `${sentence}.`)
  return value
}

/** What is stored already, and is still true; or is of before the commands of an archive that failed, and the folder is as those left it. */
async function stillStored (run: ArchiveRun, path: string, signal: AbortSignal): Promise<StoredFolder | null> {
  const { folder, earlierFolders, beforeCommands } = run.state.record
  const left = earlierFolders.at(-1)
  if (folder === null) return null
  const isTrue = await isStill(run, { path, stored: folder, signal }) || (beforeCommands && left !== undefined && await isStill(run, { path, stored: { name: left }, signal }))
  return isTrue && await isWhole(run, folder) ? folder : null
}

/** When a crash cut the commands off, or what came after them: what was stored before, which still is what the user had. */
export async function storedBeforeCommands (run: ArchiveRun): Promise<StoredFolder | null> {
  const { folder, commandsBegun } = run.state.record
  return commandsBegun && folder !== null && await isWhole(run, folder) ? folder : null
}

/** Stored with what came before still known: each state was the only one at its time. */
async function storeAnew (run: ArchiveRun, path: string, signal: AbortSignal): Promise<StoredFolder> {
  const { deps, row, state } = run
  const { dataDir, now } = deps
  const { folder: before, beforeCommands } = state.record
  const stored = await storeFolder({ dataDir, workspaceId: row.id, path, now, signal })
  if (before !== null && beforeCommands) warn(run, `What was there before the commands of an archive that failed is kept in ${placesOf(dataDir, before.name).archive}.`)
  await state.set({ folder: stored, beforeCommands: false, earlierFolders: [...state.record.earlierFolders, ...(before === null ? [] : [before.name])] })
  return stored
}

async function isWhole ({ deps }: ArchiveRun, { name }: StoredFolder): Promise<boolean> {
  // One that is damaged or was deleted is none: the folder is stored again.
  return await verifyStored(deps.dataDir, name).then(() => true, () => false)
}

async function isStill ({ deps }: ArchiveRun, { path, stored, signal }: { path: string, stored: Pick<StoredFolder, 'name'>, signal: AbortSignal }): Promise<boolean> {
  // What can't be compared is not known to be the same.
  return await differenceFromStored({ dataDir: deps.dataDir, stored, path, signal }).catch(() => 'unreadable') === null
}

/**
 * After the archive's own commands: when they changed the files, what they left is stored too. A restore goes by `first`.
 * @returns what the folder must be when it is looked at once more
 */
export async function refreshFolder (run: ArchiveRun, path: string, first: StoredFolder): Promise<StoredFolder> {
  const { deps, row, state, op } = run
  if (await isStill(run, { path, stored: first, signal: op.signal })) return first
  const left = await storeFolder({ dataDir: deps.dataDir, workspaceId: row.id, path, now: deps.now, signal: op.signal })
  await state.set({ earlierFolders: [...state.record.earlierFolders, left.name] })
  return left
}

/**
 * Removes the folder. `expected` is what it must hold, to the byte.
 * @throws FolderKept when anything changed meanwhile: the folder is back at its place then
 */
export async function removePlainFolder (run: ArchiveRun, path: string, expected: StoredFolder, options: { withoutSpecials?: boolean, signal?: AbortSignal } = {}): Promise<void> {
  const { state, row, op } = run
  const aside = asidePathOf(path, row.id)
  await state.set({ aside, deleting: false })
  await renameAside(path, aside, run.deps.git.files)
  try {
    await lookOnceMore(run, { path, aside, expected, signal: op.signal, ...options })
  } catch (error) {
    await bringBack(run, { path, aside, owner: null })
    throw error
  }
  await state.set({ deleting: true })
  op.log.system(`Nothing has changed since it was stored; deleting ${aside}.`)
  await finishFolderDeletion(run, path)
}

interface LastLook { path: string, aside: string, expected: StoredFolder, withoutSpecials?: boolean, signal: AbortSignal }

async function lookOnceMore ({ deps, row, op }: ArchiveRun, { path, aside, expected, signal, withoutSpecials = false }: LastLook): Promise<void> {
  const verdict = await judgeRemoval(deps, row, { aside })
  if (!verdict.ok) throw new FolderKept(verdict.reason)
  const difference = await differenceFromStored({ dataDir: deps.dataDir, stored: expected, path: aside, withoutSpecials, signal })
  if (difference !== null) throw new FolderKept(`something changed ${path} while it was archived (${difference}); nothing was removed`)
  await assertNoMounts(aside)
  // In one breath: whoever cancels comes before both or is told no.
  signal.throwIfAborted()
  op.refuseCancel(deletionGoesOn)
}

/** Deletes the folder from its aside place. Its content was compared with what is stored before. */
export async function finishFolderDeletion (run: ArchiveRun, path: string): Promise<void> {
  await deleteAside(run, path)
  await run.state.set({ aside: null, deleting: false, removed: true })
}
