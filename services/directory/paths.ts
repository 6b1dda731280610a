/** Where a project workspace may lie: an existing folder, really inside the allowed roots. */
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { PathNotAllowed } from '../errors.ts'

export interface PathRules {
  /** Absolute folders; empty: anywhere. */
  allowedRoots: readonly string[]
  dataDir: string
}

/**
 * Checks a folder a client names.
 * @param pointer the place of the path in the request's body
 * @returns its real path, so that a symlink turned elsewhere later changes nothing
 * @throws PathNotAllowed (422): relative, missing, not a folder, `/`, inside the data dir, or outside the allowed roots
 */
export async function checkProjectPath (path: string, { allowedRoots, dataDir }: PathRules, pointer = '/cwd'): Promise<string> {
  const refuse = (why: string) => new PathNotAllowed(`${path} ${why}.`, { members: { errors: [{ pointer, message: why }] } })
  if (!isAbsolute(path)) throw refuse('is not an absolute path')
  const real = await realPathOf(path)
  if (real === null) throw refuse('does not exist, or can not be read')
  if (!(await stat(real)).isDirectory()) throw refuse('is not a folder')
  if (real === '/') throw refuse('is the root of the file system')
  if (isWithin(real, await realPathOf(dataDir) ?? resolve(dataDir))) throw refuse('lies in the data dir of this service')
  if (allowedRoots.length > 0 && !await isWithinAny(real, allowedRoots)) throw refuse('lies outside the allowed roots (BERTH_ALLOWED_ROOTS)')
  return real
}

/** True for the folder itself and everything below it; both absolute and real. */
export function isWithin (path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way))
}

async function isWithinAny (real: string, roots: readonly string[]): Promise<boolean> {
  const realRoots = await Promise.all(roots.map(realPathOf))
  return realRoots.some(root => root !== null && isWithin(real, root))
}

async function realPathOf (path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch {
    // Missing, unreadable, a loop of links, a name too long: whichever it is, it can't be worked in.
    return null
  }
}
