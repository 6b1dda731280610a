/** What git passes over in a worktree: a snapshot notes folders that hold nothing and permissions of folders, and says what it leaves out. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { dirname } from 'node:path/posix'
import { ownFiles, type Files } from '../process/files.ts'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { WorkingState } from './working-state.ts'

// Whoever has more than this made them by a program, which can make them again.
const MAX_EMPTY_FOLDERS = 1000
/** Warnings that name one thing each; the rest are counted. */
const NAMED_LEFT_OUT = 20

export interface EmptyFolders {
  /** Sorted, at most 1,000. */
  paths: BytePath[]
  /** What is left out, in words. */
  warnings: string[]
}

/**
 * Walks the folders below `root` once, level by level, without following links. Ignored folders, submodules and what can't be read are
 * not looked into. Throws an Error for a folder `.git` that git has not taken for a repository (damaged, or among tracked files): it
 * passes over all that is in it.
 */
export async function findEmptyFolders (root: string, { status, index }: Pick<WorkingState, 'status' | 'index'>): Promise<EmptyFolders> {
  const except = new Set(['.git', ...status.filter(entry => entry.kind === 'ignored').map(entry => entry.path.replace(/\/$/, ''))])
  for (const entry of index?.entries ?? []) if (entry.mode === '160000') except.add(entry.path)
  const empty: BytePath[] = []
  const leftOut: string[] = []
  for (let level: BytePath[] = ['']; level.length > 0;) {
    const below = await Promise.all(level.map(async folder => {
      // latin1 is what paths are kept in here, and less than half as dear as buffers.
      const entries = await readdir(toFsPath(root, folder), { withFileTypes: true, encoding: 'latin1' }).catch(() => null)
      if (entries?.length === 0 && folder !== '') empty.push(folder)
      leftOut.push(...(entries ?? []).flatMap(entry => reasonToLeaveOut(folder, entry) ?? []))
      return (entries ?? []).filter(entry => entry.isDirectory()).map(entry => pathIn(folder, entry))
    }))
    level = below.flat().filter(path => !except.has(path))
  }
  const left = empty.length - MAX_EMPTY_FOLDERS
  const unnamed = leftOut.length - NAMED_LEFT_OUT
  const warnings = leftOut.sort().slice(0, NAMED_LEFT_OUT)
  if (unnamed > 0) warnings.push(`${unnamed} more sockets, pipes or devices are not kept`)
  if (left > 0) warnings.push(`${left} of ${empty.length} empty folders are not noted`)
  return { paths: empty.sort().slice(0, MAX_EMPTY_FOLDERS), warnings }
}

const pathIn = (folder: BytePath, { name }: Dirent): BytePath => folder === '' ? name : `${folder}/${name}`

/** What no snapshot holds, in words; null for anything else. */
function reasonToLeaveOut (folder: BytePath, entry: Dirent): string | null {
  const isKept = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()
  // Nearly all of them: no path is made for it.
  if (isKept && (entry.name !== '.git' || folder === '')) return null
  const path = pathIn(folder, entry)
  if (isKept) {
    if (entry.isDirectory()) throw new Error(`${toDisplay(path)} is a repository's own folder, which a snapshot can not hold`)
    return `${toDisplay(path)} is not kept: it only names a repository that is not there`
  }
  return `${toDisplay(path)} is a ${entry.isSocket() ? 'socket' : entry.isFIFO() ? 'pipe' : 'device'}, which is not kept`
}

/** Permission bits of the folders that files lie in, at any depth, and of `empty` ones; by their paths, which end with a slash. */
export async function readFolderPermissions (root: string, files: readonly BytePath[], empty: readonly BytePath[]): Promise<Record<BytePath, number>> {
  const folders = new Set(empty)
  for (const path of files) for (let folder = dirname(path); folder !== '.' && !folders.has(folder); folder = dirname(folder)) folders.add(folder)
  const found = await Promise.all([...folders].map(async folder => [`${folder}/`, await lstat(toFsPath(root, folder)).catch(() => null)] as const))
  return Object.fromEntries(found.flatMap(([path, stats]) => stats?.isDirectory() === true ? [[path, stats.mode & 0o7777]] : []))
}

/** Gives folders their permissions, those further down first; gives where that could not be done, in words. */
export async function setFolderPermissions (root: string, permissions: Readonly<Record<BytePath, number>>, files: Pick<Files, 'chmod'> = ownFiles): Promise<string[]> {
  const warnings: string[] = []
  const folders = Object.entries(permissions).filter(([path]) => path.endsWith('/')).sort(([a], [b]) => b.length - a.length)
  for (const [path, mode] of folders) {
    const place = toFsPath(root, path.slice(0, -1))
    const found = await lstat(place).catch(() => null)
    if (found?.isDirectory() !== true || (found.mode & 0o7777) === mode) continue
    await files.chmod(place, mode).catch(() => { warnings.push(`The folder ${toDisplay(path)} could not be given its permissions`) })
  }
  return warnings
}

/** Makes them again, never through a link; gives what could not be made, in words. @param files of the git whose worktree it is */
export async function makeEmptyFolders (root: string, paths: readonly BytePath[], files: Pick<Files, 'mkdir'> = ownFiles): Promise<string[]> {
  const warnings: string[] = []
  for (const path of paths) {
    const parts = path.split('/')
    for (let count = 1; count <= parts.length; count++) {
      const folder = toFsPath(root, parts.slice(0, count).join('/'))
      const isThere = await files.mkdir(folder, {}).then(() => true, async () => (await lstat(folder).catch(() => null))?.isDirectory() === true)
      if (isThere) continue
      warnings.push(`The empty folder ${toDisplay(path)} could not be made again`)
      break
    }
  }
  return warnings
}
