/** The folders of a worktree that hold nothing: git knows none of them, so a snapshot notes their names and a restore makes them again. */
import { lstat, readdir } from 'node:fs/promises'
import { ownFiles, type Files } from '../process/files.ts'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { WorkingState } from './working-state.ts'

// Whoever has more than this made them by a program, which can make them again.
const MAX_EMPTY_FOLDERS = 1000

export interface EmptyFolders {
  /** Sorted, at most 1,000. */
  paths: BytePath[]
  /** What is left out, in words. */
  warnings: string[]
}

/**
 * Walks the folders below `root` once, level by level, without following links. Ignored folders, submodules and what can't be read are
 * not looked into.
 */
export async function findEmptyFolders (root: string, { status, index }: Pick<WorkingState, 'status' | 'index'>): Promise<EmptyFolders> {
  const except = new Set(['.git', ...status.filter(entry => entry.kind === 'ignored').map(entry => entry.path.replace(/\/$/, ''))])
  for (const entry of index?.entries ?? []) if (entry.mode === '160000') except.add(entry.path)
  const empty: BytePath[] = []
  for (let level: BytePath[] = ['']; level.length > 0;) {
    const below = await Promise.all(level.map(async folder => {
      // latin1 is what paths are kept in here, and less than half as dear as buffers.
      const entries = await readdir(toFsPath(root, folder), { withFileTypes: true, encoding: 'latin1' }).catch(() => null)
      if (entries?.length === 0 && folder !== '') empty.push(folder)
      return (entries ?? []).filter(entry => entry.isDirectory()).map(entry => folder === '' ? entry.name : `${folder}/${entry.name}`)
    }))
    level = below.flat().filter(path => !except.has(path))
  }
  const left = empty.length - MAX_EMPTY_FOLDERS
  return { paths: empty.sort().slice(0, MAX_EMPTY_FOLDERS), warnings: left > 0 ? [`${left} of ${empty.length} empty folders are not noted`] : [] }
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
