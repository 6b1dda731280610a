/** Small questions about paths on this machine's disk. */
import { lstat, realpath, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'
import { isBelow } from './worktree-path.ts'

/** True when something (also a broken symlink) is at the path. */
export async function exists (path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

/** True when the path leads to a directory. */
export async function isDirectory (path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

/** True for the errors that say that there is nothing at a path. */
export function isAbsence (error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** The real path of as much of it as exists, the rest as written. */
export async function realPathOf (path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch {
    // Missing, or unreadable from here on: its parent may still be reached through a symlink.
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(await realPathOf(parent), basename(absolute))
  }
}

/** The nearest folder above a path, or the path itself, that has something at it. */
export async function nearestExisting (path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (await exists(at) || at === dirname(at)) return at
  }
}

/**
 * Makes a folder with its parents.
 * @param files of whom it is for
 * @returns the folders that were not there before, the outermost first
 */
export async function makeFolders (path: string, files: Pick<Files, 'mkdir'> = ownFiles): Promise<string[]> {
  const first = await files.mkdir(path, { recursive: true })
  if (first === undefined) return []
  const made = []
  for (let folder = path; folder === first || isBelow(first, folder); folder = dirname(folder)) made.unshift(folder)
  return made
}

/** Removes empty folders from `path` upwards, as far as they lie below `top`; stops at the first that is not empty. */
export async function removeEmptyFolders (path: string, top: string): Promise<void> {
  for (let folder = path; isBelow(top, folder); folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch (error) {
      if (!isAbsence(error)) return // Not empty, or not ours to remove: what is above it isn't empty either.
    }
  }
}
