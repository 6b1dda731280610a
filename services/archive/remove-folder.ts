/** Takes a folder away: renamed aside first, deleted later, never through a symlink and never across a mount. */
import { constants, type PathLike, type Stats } from 'node:fs'
import { chmod, lstat, open, readFile, readdir, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'
import { isAbsence } from '../workspaces/local-paths.ts'
import { contains } from './path-safety.ts'

/** open(2): a handle that only names the place; not in `fs.constants`. */
const openPathOnly = 0o10000000
const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** Entries unlinked at once: keeps the thread pool busy without queueing a whole `node_modules`. */
const unlinkBatch = 64

/** Thrown when a folder was left where it is because deleting it was not safe. */
export class FolderKept extends Error {
  override readonly name = 'FolderKept'
}

/** The sibling a workspace's folder is renamed to before it is deleted; found again by the workspace's id alone. */
export function asidePathOf (path: string, workspaceId: string): string {
  return join(dirname(path), `.berth-archiving-${workspaceId}`)
}

/** What is at the path itself, a symlink not followed; null when nothing is. */
export async function lookAt (path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
}

/** Renames the folder to its sibling, by the `files` of who works in it. @throws FolderKept when something stands there already. */
export async function renameAside (path: string, aside: string, files: Pick<Files, 'rename'> = ownFiles): Promise<void> {
  if (await lookAt(aside) !== null) throw new FolderKept(`${aside} is in the way`)
  await files.rename(path, aside)
}

/** Brings a folder back to its place. False when its place has been taken meanwhile; nothing is overwritten then. */
export async function putBack (aside: string, path: string, files: Pick<Files, 'rename'> = ownFiles): Promise<boolean> {
  if (await lookAt(path) !== null) return false
  await files.rename(aside, path)
  return true
}

/** Mount points of this machine at or below a path, from a `mountinfo` text (proc(5)). */
export function mountsBelow (path: string, mountinfo: string): string[] {
  return mountinfo.split('\n')
    .map(line => line.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))) ?? '')
    .filter(mount => mount !== '' && contains(path, mount))
}

/**
 * Refuses a folder that something is mounted in: deleting it would empty what is mounted.
 * @throws FolderKept naming the mounts.
 */
export async function assertNoMounts (path: string): Promise<void> {
  let mountinfo: string
  try {
    mountinfo = await readFile('/proc/self/mountinfo', 'utf8')
  } catch {
    // No such file outside Linux; the device check of the walk still keeps to one file system.
    return
  }
  const mounts = mountsBelow(path, mountinfo)
  if (mounts.length > 0) throw new FolderKept(`something is mounted in it: ${mounts.join(', ')}`)
}

/**
 * Deletes a folder and all it holds. Each level is opened without following links and worked on through
 * its handle, so that a folder swapped for a symlink half-way leads nowhere; other file systems are left alone.
 * @throws FolderKept when another file system begins inside; file system errors as they are.
 */
export async function removeFolder (path: string): Promise<void> {
  await assertNoMounts(path)
  if (await lookAt('/proc/self/fd') === null) {
    await rm(path, { recursive: true, force: true })
    return
  }
  const root = await openForRemoval(path)
  try {
    await emptyFolder(root, (await root.stat()).dev, path)
  } finally {
    await root.close()
  }
  await rmdir(path)
}

/** A handle on a folder we may empty: its owner's rights are given back to it where they are missing. */
async function openForRemoval (path: PathLike): Promise<FileHandle> {
  const place = await open(path, openPathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const { mode } = await place.stat()
    // chmod(2) by the handle's own name: what it names can't be swapped any more.
    if ((mode & 0o700) !== 0o700) await chmod(`/proc/self/fd/${place.fd}`, (mode & 0o7777) | 0o700)
    return await open(path, openFolder)
  } finally {
    await place.close()
  }
}

async function emptyFolder (folder: FileHandle, device: number, shownAs: string): Promise<void> {
  const inside = Buffer.from(`/proc/self/fd/${folder.fd}/`)
  // Names are bytes, which need not be UTF-8: as text some would name nothing.
  const entries = await readdir(inside, { withFileTypes: true, encoding: 'buffer' })
  const folders = entries.filter(entry => entry.isDirectory())
  const others = entries.filter(entry => !entry.isDirectory())
  for (let at = 0; at < others.length; at += unlinkBatch) {
    await Promise.all(others.slice(at, at + unlinkBatch).map(entry => unlink(Buffer.concat([inside, entry.name]))))
  }
  for (const entry of folders) await removeBelow(Buffer.concat([inside, entry.name]), device, join(shownAs, entry.name.toString()))
}

async function removeBelow (path: Buffer, device: number, shownAs: string): Promise<void> {
  const folder = await openForRemoval(path)
  try {
    if ((await folder.stat()).dev !== device) throw new FolderKept(`another file system begins at ${shownAs}`)
    await emptyFolder(folder, device, shownAs)
  } finally {
    await folder.close()
  }
  await rmdir(path)
}
