/** Where commands may run, asked just before each is started: what a path led to when it was written may have been changed since. */
import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { PathNotAllowed } from '../errors.ts'

export interface FolderRuleDeps {
  /** Absolute folders; empty: anywhere. */
  allowedRoots: readonly string[]
  dataDir: string
}

/**
 * Refuses a folder that really lies elsewhere than in the allowed roots, the service's own worktrees, or the worktree that was
 * made for the workspace, which its maker has checked.
 * @param worktree its recorded path, a real one; never resolved, so that a symlink put in its place leads out of it
 * @throws PathNotAllowed (422)
 */
export type FolderRule = (cwd: string, worktree: string | null) => Promise<void>

export function createFolderRule ({ allowedRoots, dataDir }: FolderRuleDeps): FolderRule {
  return async (cwd, worktree) => {
    if (allowedRoots.length === 0) return
    const real = await realPath(cwd)
    // That there is nothing is told by whoever starts the command, in better words.
    if (real === null) return
    const roots = await Promise.all([...allowedRoots, join(dataDir, 'worktrees')].map(realPath))
    if ([...roots, worktree].some(root => root !== null && isIn(root, real))) return
    const where = real === resolve(cwd) ? '' : ` (it leads to ${real})`
    throw new PathNotAllowed(`Nothing is run in ${cwd}${where}: it lies outside the allowed roots (BERTH_ALLOWED_ROOTS).`)
  }
}

function isIn (folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way))
}

async function realPath (path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch {
    // Missing or unreadable: nothing lies in it, and nothing can be run in it.
    return null
  }
}
