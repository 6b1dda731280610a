/** Copies files that git does not carry (`.env`, local settings) from the owner's checkout into a new worktree. */
import { existsSync, type Dirent } from 'node:fs'
import { constants, glob, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { Unprocessable } from '../errors.ts'
import { ownFiles, type Files } from '../process/files.ts'
import { exists, isAbsence, makeFolders, realPathOf } from './local-paths.ts'
import { isBelow } from './worktree-path.ts'

export interface CopyRequest {
  /** Real path of the checkout to copy from. */
  from: string
  /** Real path of the worktree. */
  to: string
  /** Relative to the checkout; a folder stands for all that is in it. */
  globs: readonly string[]
  /** Of whom the worktree is for; this process's user unless given. */
  files?: Files
}

export interface CopyReport {
  /** Relative paths. */
  copied: string[]
  /** Was there already, or would have left the worktree: path and why. */
  skipped: { path: string, reason: string }[]
}

// Meant for settings; a glob that catches a whole dependency tree is a mistake that would fill the disk.
const maxFiles = 5_000

/**
 * Copies what matches, with its mode, never over something that is there, never out of the worktree
 * (not through a symlink either). Other worktrees and `.git` are left out, `node_modules` unless a glob names it.
 * @throws Unprocessable (422) when more than 5,000 files match
 */
export async function copyFiles ({ from, to, globs, files = ownFiles }: CopyRequest): Promise<CopyReport> {
  const report: CopyReport = { copied: [], skipped: [] }
  for (const path of await matchingFiles(from, globs)) {
    const reason = await copyOne(files, { source: join(from, path), target: join(to, path), worktree: to })
    if (reason === null) report.copied.push(path)
    else report.skipped.push({ path, reason })
  }
  return report
}

/**
 * Files below a folder that match one of the globs, as sorted relative paths; folders that match stand for their files.
 * @throws Unprocessable (422) when more than 5,000 files match, or a glob leads out of the folder
 */
export async function matchingFiles (root: string, globs: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const pattern of globs) {
    refuseWayOut(pattern)
    const exclude = excluding(pattern)
    for await (const entry of glob(pattern, { cwd: root, withFileTypes: true, exclude })) {
      const path = join(entry.parentPath, entry.name)
      // Files that the pattern names right away are not asked about through `exclude`.
      if (exclude(entry) || !isBelow(root, path)) continue
      for (const file of await filesOf(path, entry, exclude)) found.add(relative(root, file))
      if (found.size > maxFiles) throw new Unprocessable(`The glob ${pattern} matches more than ${maxFiles} files.`)
    }
  }
  return [...found].sort()
}

function refuseWayOut (pattern: string): void {
  if (isAbsolute(pattern) || pattern.split('/').includes('..')) {
    throw new Unprocessable(`The glob ${pattern} leads out of the repository; globs are relative to it.`)
  }
}

function excluding (pattern: string): (entry: Dirent) => boolean {
  const wantsModules = pattern.includes('node_modules')
  return entry => entry.name === '.git' ||
    (entry.name === 'node_modules' && !wantsModules) ||
    // A folder with a `.git` of its own is another worktree, a submodule or a nested repository.
    (entry.isDirectory() && existsSync(join(entry.parentPath, entry.name, '.git')))
}

async function filesOf (path: string, entry: Dirent, exclude: (entry: Dirent) => boolean): Promise<string[]> {
  if (!entry.isDirectory()) return [path]
  const files: string[] = []
  for (const child of await readdir(path, { withFileTypes: true })) {
    if (exclude(child)) continue
    files.push(...await filesOf(join(path, child.name), child, exclude))
    if (files.length > maxFiles) break
  }
  return files
}

/** Null when it was copied, else why not. */
async function copyOne (files: Files, { source, target, worktree }: { source: string, target: string, worktree: string }): Promise<string | null> {
  if (await exists(target)) return 'is there already'
  const parent = await realPathOf(dirname(target))
  if (parent !== worktree && !isBelow(worktree, parent)) return 'would lie outside the worktree'
  try {
    const original = await realpath(source)
    if (!(await stat(original)).isFile()) return 'is not a file'
    await makeFolders(parent, files)
    await files.copyFile(original, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    return null
  } catch (error) {
    if (isAbsence(error)) return 'is a link to nothing'
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return 'is there already'
    if (files !== ownFiles && error instanceof Error && 'code' in error && error.code === 'EACCES') return 'can not be read by the user that commands run as'
    throw error
  }
}
