/** Makes a stored folder again: unpacked beside its place, compared with the manifest, and only then renamed to it. */
import { constants } from 'node:fs'
import { chmod, lchown, lutimes, mkdir, open, rename, symlink, utimes, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RestoreFailed } from '../errors.ts'
import { differenceFromStored } from './store-folder.ts'
import { archiveItems, type StoredFolder } from './stored-folder.ts'
import type { TarHeader } from './tar-format.ts'
import { placeBelow } from './walk.ts'

export interface UnpackInput {
  dataDir: string
  stored: StoredFolder
  /** Where it is to be: nothing, or an empty folder. */
  path: string
  /** A sibling of `path` to unpack to; nothing may be there. */
  staging: string
  signal: AbortSignal
}

/** A folder being filled: its rights come last, since it may be one that nobody may write to. */
interface OpenFolder {
  path: string
  header: TarHeader
}

/**
 * Brings the folder back: bytes, permissions, links, empty folders, times, and for root the owners.
 * @throws RestoreFailed (422) when it is not what was stored; what was unpacked is left at `staging` then
 */
export async function unpackFolder ({ dataDir, stored, path, staging, signal }: UnpackInput): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  try {
    const open: OpenFolder[] = []
    for await (const { header, content } of archiveItems(dataDir, stored.name)) {
      signal.throwIfAborted()
      const entry = pathOf(header)
      await closeFolders(staging, open, entry)
      if (header.type === '5') {
        await mkdir(placeBelow(staging, entry), { mode: 0o700 })
        open.push({ path: entry, header })
      } else if (header.type === '2') await makeLink(placeBelow(staging, entry), header)
      else await makeFile(placeBelow(staging, entry), header, content)
    }
    await closeFolders(staging, open, null)
    const difference = await differenceFromStored({ dataDir, stored, path: staging, withoutSpecials: true, signal })
    if (difference !== null) throw new Error(difference)
    // Onto nothing or an empty folder; anything else there refuses it.
    await rename(staging, path)
  } catch (cause) {
    signal.throwIfAborted()
    throw new RestoreFailed(`${path} could not be restored: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function pathOf ({ name, type }: TarHeader): string {
  const path = name.slice(2, type === '5' && name !== './' ? -1 : undefined)
  // Only this service writes these archives; a damaged or foreign one must still lead nowhere else.
  if (!name.startsWith('./') || path.split('/').some((part, at) => part === '..' || part === '.' || (part === '' && path !== '') || (part === '' && at > 0))) {
    throw new Error('the archive holds a name that leads out of it')
  }
  return path
}

/** Gives their rights to the folders that are full: those that do not hold `next`. */
async function closeFolders (root: string, open: OpenFolder[], next: string | null): Promise<void> {
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    if (next !== null && (last.path === '' || next.startsWith(`${last.path}/`))) return
    open.pop()
    const place = placeBelow(root, last.path)
    await giveOwner(place, last.header)
    await chmod(place, last.header.mode)
    await utimes(place, last.header.mtimeSec, last.header.mtimeSec)
  }
}

async function makeLink (place: Buffer, header: TarHeader): Promise<void> {
  await symlink(Buffer.from(header.target, 'latin1'), place)
  await giveOwner(place, header)
  await lutimes(place, header.mtimeSec, header.mtimeSec)
}

async function makeFile (place: Buffer, header: TarHeader, content: AsyncIterable<Buffer>): Promise<void> {
  const handle = await open(place, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    let at = 0
    for await (const chunk of content) {
      // Zeros are left out: the file is as sparse again as it can be.
      if (!chunk.every(byte => byte === 0)) await writeAll(handle, chunk, at)
      at += chunk.length
    }
    await handle.truncate(header.size)
    await giveOwner(place, header)
    await handle.chmod(header.mode)
    await handle.utimes(header.mtimeSec, header.mtimeSec)
  } finally {
    await handle.close()
  }
}

async function writeAll (handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}

/** Only root may give files away; anybody else's are its own already. */
async function giveOwner (place: Buffer, { uid, gid }: TarHeader): Promise<void> {
  if (process.getuid?.() === 0) await lchown(place, uid, gid)
}
