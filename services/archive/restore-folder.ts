/** Brings a folder that is no repository back from its archive, and takes back what a failed restore made of it. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { updateWorkspace } from '../../db/execution-workspaces.ts'
import { RestoreFailed } from '../errors.ts'
import { differenceFromStored } from '../folders/store-folder.ts'
import { placesOf, type StoredFolder } from '../folders/stored-folder.ts'
import { unpackFolder } from '../folders/unpack-folder.ts'
import { isDirectory } from '../workspaces/local-paths.ts'
import { warn, type ArchiveRun } from './archive-run.ts'
import { judgeRemoval } from './gather.ts'
import { FolderKept, lookAt, removeFolder } from './remove-folder.ts'
import { finishFolderDeletion, removePlainFolder } from './remove-plain-folder.ts'
import { settleAside } from './remove-worktree.ts'

/** The sibling a folder is unpacked to before it is renamed to its place; found again by the workspace's id alone. */
export function stagingPathOf (path: string, workspaceId: string): string {
  return join(dirname(path), `.berth-restoring-${workspaceId}`)
}

/** Whether nothing, or nothing but an empty folder, is at the path. */
export async function isFree (path: string): Promise<boolean> {
  const found = await lookAt(path)
  return found === null || (found.isDirectory() && (await readdir(path)).length === 0)
}

/**
 * Makes the folder what it was, or finds it in place; also where a crash cut that off.
 * @throws RestoreFailed, FolderKept
 */
export async function putFolderBack (run: ArchiveRun): Promise<void> {
  const { row, state, deps, op } = run
  const path = row.realized_path
  const stored = state.record.folder
  await settleAside(run)
  if (path !== null && state.record.deleting) await finishFolderDeletion(run, path)
  if (path !== null && stored !== null) {
    if (await isFree(path)) return await unpack(run, path, stored)
    const isOurs = state.record.madeByRestore && await differenceFromStored({ dataDir: deps.dataDir, stored, path, withoutSpecials: true, signal: op.signal }) === null
    if (state.record.removed && !isOurs) throw new RestoreFailed(`Something else is at ${path}; nothing was restored.`)
  }
  if (row.cwd !== null && !await isDirectory(row.cwd)) throw new RestoreFailed(`The folder ${row.cwd} is not there.`)
}

async function unpack (run: ArchiveRun, path: string, stored: StoredFolder): Promise<void> {
  const { deps, row, state, op } = run
  const { user } = deps.git
  if (user !== null) throw new RestoreFailed(`Plain folders are not restored while commands run as ${user.name} (BERTH_CHILD_USER); the archive ${placesOf(deps.dataDir, stored.name).archive} stays as it is.`)
  await state.set({ madeByRestore: true, claimed: !row.created_by_runtime })
  const claimed = await updateWorkspace(deps.db, row.id, { created_by_runtime: true, provision_fingerprint: null }, deps.now())
  if (claimed !== undefined) run.row = claimed
  await clearStaging(run, path)
  await unpackFolder({ dataDir: deps.dataDir, stored, path, staging: stagingPathOf(path, row.id), signal: op.signal })
  op.annotate({ restoredPath: path, changedFileCount: stored.entryCount })
  op.log.system(`Brought ${stored.entryCount} files, folders and links back to ${path}.`)
  for (const sentence of stored.warnings) warn(run, `${sentence}.`)
}

/** What an unpacking that was cut off has left beside the place. @throws FolderKept when it may not go */
async function clearStaging ({ deps, row }: ArchiveRun, path: string): Promise<void> {
  const staging = stagingPathOf(path, row.id)
  const verdict = await judgeRemoval(deps, row, { aside: staging })
  if (verdict.ok) return await removeFolder(verdict.realPath)
  if (verdict.code !== 'missing') throw new FolderKept(verdict.reason)
}

/**
 * Takes back the folder that a failed restore made; it is in the archive still.
 * @throws FolderKept when something changed it meanwhile: then it stays
 */
export async function takeFolderBack (run: ArchiveRun, path: string): Promise<void> {
  const { state } = run
  await settleAside(run)
  if (state.record.deleting) await finishFolderDeletion(run, path)
  await clearStaging(run, path)
  const { folder } = state.record
  // The operation's own signal may be the reason for all this: taking back goes on regardless.
  if (folder !== null && !await isFree(path)) await removePlainFolder(run, path, folder, { withoutSpecials: true, signal: new AbortController().signal })
}
