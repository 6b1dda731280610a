/** Walks a folder and all below it in an order that is always the same, never through a link. */
import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { toFsPath, type BytePath } from '../git/byte-path.ts'

export type FolderEntryKind = 'folder' | 'file' | 'link' | 'special'

export interface FolderEntry {
  /** Relative to the folder, one character per byte; empty for the folder itself. */
  path: BytePath
  kind: FolderEntryKind
  /** Permission bits; 0 for a link. */
  mode: number
  uid: number
  gid: number
  /** Of a file, in bytes; 0 for others. */
  size: number
  mtimeSec: number
  /** Where a link points; null for others. */
  target: BytePath | null
  /** What a special file is, for people; null for others. */
  what: 'socket' | 'pipe' | 'device' | null
}

/** Thrown when what was seen a moment ago is there no more, or is something else. */
export class FolderChanged extends Error {
  override readonly name = 'FolderChanged'
}

/** `path` below `root`; the root itself for the empty path. */
export function placeBelow (root: string, path: BytePath): Buffer {
  return path === '' ? Buffer.from(root) : toFsPath(root, path)
}

/**
 * Each entry, a folder before what is in it, names in the order of their bytes. Memory: the names of the folders on the way.
 * @throws FolderChanged when something goes meanwhile; file system errors as they are
 */
export async function * walkFolder (root: string, signal?: AbortSignal): AsyncGenerator<FolderEntry> {
  yield * walkFrom(root, '', signal)
}

async function * walkFrom (root: string, path: BytePath, signal: AbortSignal | undefined): AsyncGenerator<FolderEntry> {
  signal?.throwIfAborted()
  const entry = await orChanged(path, lookAtEntry(root, path))
  yield entry
  if (entry.kind !== 'folder') return
  const names = (await orChanged(path, readdir(placeBelow(root, path), { encoding: 'buffer' }))).sort(Buffer.compare)
  for (const name of names) {
    const inside = name.toString('latin1')
    yield * walkFrom(root, path === '' ? inside : `${path}/${inside}`, signal)
  }
}

async function lookAtEntry (root: string, path: BytePath): Promise<FolderEntry> {
  const place = placeBelow(root, path)
  const found = await lstat(place)
  const { uid, gid } = found
  const common = { path, uid, gid, mode: found.mode & 0o7777, size: 0, mtimeSec: Math.max(0, Math.floor(found.mtimeMs / 1000)), target: null, what: null }
  if (found.isDirectory()) return { ...common, kind: 'folder' }
  if (found.isFile()) return { ...common, kind: 'file', size: found.size }
  if (found.isSymbolicLink()) return { ...common, kind: 'link', mode: 0, target: (await readlink(place, { encoding: 'buffer' })).toString('latin1') }
  return { ...common, kind: 'special', what: specialOf(found) }
}

function specialOf (found: Stats): NonNullable<FolderEntry['what']> {
  if (found.isSocket()) return 'socket'
  return found.isFIFO() ? 'pipe' : 'device'
}

/** Waits for a look at `path`; what is not there (any more) is a change. @throws FolderChanged */
export async function orChanged<T> (path: BytePath, look: Promise<T>): Promise<T> {
  try {
    return await look
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(String(error.code))) {
      throw new FolderChanged(`${Buffer.from(path, 'latin1').toString('utf8')} changed while it was read`, { cause: error })
    }
    throw error
  }
}
