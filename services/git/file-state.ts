/** What one path of a worktree is on disk: nothing, a file, a link or something else; hashed as git would, without filters. */
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readFile, readlink } from 'node:fs/promises'
import { dirname } from 'node:path/posix'
import { toFsPath, type BytePath } from './byte-path.ts'
import type { HashName } from './index-file.ts'
import { objectHash } from './make-objects.ts'

export interface FileState {
  path: BytePath
  /** 100644, 100755 or 120000. */
  mode: string
  /** Of the bytes on disk (a link: its target). */
  sha: string
  /** Permission bits; 0 for a link. */
  permissions: number
  bytes: number
  /** The target of a link. */
  linkTarget: Buffer | null
}

// Below this a file is read at once: a stream costs more than the memory.
const READ_WHOLE_BYTES = 1024 * 1024

/** Reads the states of paths below one root; keeps in mind which folders are real, so make one for each look. */
export function createFileReader (root: string, hash: HashName): { read (path: BytePath): Promise<FileState | null> } {
  const realFolders = new Map<BytePath, Promise<boolean>>()
  const isReal = (folder: BytePath): Promise<boolean> => {
    if (folder === '.') return Promise.resolve(true)
    const known = realFolders.get(folder) ?? isReal(dirname(folder)).then(async parent => parent && (await lookAt(root, folder))?.isDirectory() === true)
    realFolders.set(folder, known)
    return known
  }
  return {
    /** null when nothing is there, or a folder, or only something seen through a link. Throws for what can't be read. */
    async read (path) {
      // A folder replaced by a link has none of its files any more, although they may be reachable through it.
      if (!await isReal(dirname(path))) return null
      const found = await lookAt(root, path)
      if (found === null || found.isDirectory()) return null
      if (found.isSymbolicLink()) return await readLink(root, path, hash)
      if (!found.isFile()) return null
      const { sha, bytes } = await hashFile(toFsPath(root, path), found.size, hash)
      return { path, mode: (found.mode & 0o100) === 0 ? '100644' : '100755', sha, permissions: found.mode & 0o7777, bytes, linkTarget: null }
    }
  }
}

async function lookAt (root: string, path: BytePath): Promise<Stats | null> {
  return await lstat(toFsPath(root, path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
}

async function readLink (root: string, path: BytePath, hash: HashName): Promise<FileState> {
  const target = await readlink(toFsPath(root, path), { encoding: 'buffer' })
  return { path, mode: '120000', sha: objectHash(hash, 'blob', target.length).update(target).digest('hex'), permissions: 0, bytes: target.length, linkTarget: target }
}

async function hashFile (path: Buffer, size: number, hash: HashName): Promise<{ sha: string, bytes: number }> {
  if (size <= READ_WHOLE_BYTES) {
    const content = await readFile(path)
    return { sha: objectHash(hash, 'blob', content.length).update(content).digest('hex'), bytes: content.length }
  }
  const digest = objectHash(hash, 'blob', size)
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    digest.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  // A file that grew meanwhile gives an id that is no blob's: it will not match what git stored, and is looked at again.
  return { sha: digest.digest('hex'), bytes }
}

/** Files read at a time: enough to keep the disk busy, few enough to leave room for others. */
export const FILES_AT_A_TIME = 16

/** Maps with a bounded number of calls at work, keeping the order. */
export async function mapLimited<T, R> (items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await map(items[at] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
