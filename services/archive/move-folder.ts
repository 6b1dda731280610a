/** Takes a plain folder of this service out of its place: nothing of it is deleted, it moves into the data dir. */
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ArchiveRun } from './archive-run.ts'
import { judgeRemoval } from './gather.ts'
import { FolderKept, assertNoMounts, lookAt, putBack } from './remove-folder.ts'

/** Where plain folders of archived workspaces are kept. */
export function rescuedFolderOf (dataDir: string, workspaceId: string): string {
  return join(dataDir, 'rescued', workspaceId)
}

/**
 * Moves the workspace's folder to `<data dir>/rescued/<workspace>`; the place is stored before.
 * @throws FolderKept when it may not go, or lies on another file system
 */
export async function moveFolderAway ({ deps, row, state, op }: ArchiveRun): Promise<void> {
  const verdict = await judgeRemoval(deps, row)
  if (!verdict.ok) throw new FolderKept(verdict.reason)
  await assertNoMounts(verdict.realPath)
  const first = rescuedFolderOf(deps.dataDir, row.id)
  // What an earlier archive left there is not for this one to overwrite.
  const movedTo = await lookAt(first) === null ? first : `${first}-${deps.now().toISOString().replace(/[-:.]/g, '')}`
  await mkdir(dirname(movedTo), { recursive: true, mode: 0o700 })
  op.signal.throwIfAborted()
  op.refuseCancel('The folder is being moved away, and nothing of it is lost: it can not be cancelled any more. Restore the workspace to have it back.')
  await state.set({ movedTo })
  try {
    await rename(verdict.realPath, movedTo)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EXDEV') {
      throw new FolderKept(`${verdict.realPath} lies on another file system than the data dir; move or remove it by hand`)
    }
    throw error
  }
  op.log.system(`Moved ${verdict.realPath} to ${movedTo}.`)
}

/**
 * Brings a moved folder back. True when there was one to bring.
 * @throws FolderKept when its place has been taken
 */
export async function moveFolderBack ({ row, state, op }: ArchiveRun): Promise<boolean> {
  const { movedTo } = state.record
  const path = row.realized_path
  if (movedTo === null || path === null || await lookAt(movedTo) === null) return false
  await mkdir(dirname(path), { recursive: true })
  if (!await putBack(movedTo, path)) throw new FolderKept(`something else is at ${path}; the folder of the workspace is in ${movedTo}`)
  await state.set({ movedTo: null })
  op.log.system(`Moved ${movedTo} back to ${path}.`)
  return true
}
