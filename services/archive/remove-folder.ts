/** Takes a folder away: renamed aside first, deleted later, never through a symlink and never across a mount. */
import { constants, unlink, type PathLike, type Stats } from 'node:fs'
import { chmod, lstat, open, readFile, readdir, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'
import { isAbsence } from '../workspaces/local-paths.ts'
import { contains } from './path-safety.ts'

/** open(2): a handle that only names the place; not in `fs.constants`. */
const openPathOnly = 0o10000000
const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** Folders worked on at once: as many as the thread pool has threads; files of one folder wait for each other in the kernel. */
const foldersAtOnce = 4
/** Entries of one folder unlinked at once: keeps the pool busy without queueing a whole `node_modules` before others' calls. */
const unlinksAtOnce = 16

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
    await emptyFolder(root, { device: (await root.stat()).dev, shownAs: path, lanes: foldersAtOnce })
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

/** Where a walk is: it stays on one device, and may work on so many folders at once from here on. */
interface Place { device: number, shownAs: string, lanes: number }

async function emptyFolder (folder: FileHandle, place: Place): Promise<void> {
  const inside = Buffer.from(`/proc/self/fd/${folder.fd}/`)
  // Names are bytes, which need not be UTF-8: as text some would name nothing.
  const entries = await readdir(inside, { withFileTypes: true, encoding: 'buffer' })
  const folders = entries.filter(entry => entry.isDirectory())
  await everyOne(entries.filter(entry => !entry.isDirectory()), unlinksAtOnce, (entry, done) => unlink(Buffer.concat([inside, entry.name]), done))
  const atOnce = Math.min(place.lanes, folders.length)
  await everyOne(folders, atOnce, (entry, done) => {
    const below = { ...place, shownAs: join(place.shownAs, entry.name.toString()), lanes: Math.floor(place.lanes / atOnce) }
    removeBelow(Buffer.concat([inside, entry.name]), below).then(() => done(null), done)
  })
}

async function removeBelow (path: Buffer, place: Place): Promise<void> {
  const folder = await openForRemoval(path)
  try {
    if ((await folder.stat()).dev !== place.device) throw new FolderKept(`another file system begins at ${place.shownAs}`)
    await emptyFolder(folder, place)
  } finally {
    await folder.close()
  }
  await rmdir(path)
}

/**
 * Does `work` for each item, `limit` at once. It ends only when nothing is at work any more, also after an error: the handle that the work
 * goes by is closed then, and its number may soon name another folder. Callbacks, since promises would cost as much as the unlinks.
 */
export async function everyOne<T> (items: readonly T[], limit: number, work: (item: T, done: (error: Error | null) => void) => void): Promise<void> {
  if (items.length === 0) return
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const waiting = items.values()
  let atWork = 0
  let failure: Error | null = null
  const next = (): void => {
    const { value, done } = failure === null ? waiting.next() : { value: undefined, done: true as const }
    if (done !== true) {
      atWork += 1
      work(value, error => {
        failure ??= error
        atWork -= 1
        next()
      })
    } else if (atWork === 0) {
      if (failure === null) resolve(undefined)
      else reject(failure)
    }
  }
  for (let lane = 0; lane < limit; lane += 1) next()
  await promise
}
