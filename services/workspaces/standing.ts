/** Tells, without starting git, whether a worktree stands: its folder and git's record of it point at each other. */
import { readFile as readFileByCallback } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { entryNamedIn } from '../git/worktree-link.ts'
import { isAbsence } from './local-paths.ts'

/** Without a file handle object for each: half of what the promise API takes for a file of one line. */
const readFile = promisify(readFileByCallback)

/**
 * True when `path` is the top of a linked worktree whose repository still knows it. Costs two small reads, so that
 * it can be asked before every start.
 */
export async function worktreeStands (path: string): Promise<boolean> {
  const pointer = await textOf(join(path, '.git'))
  const gitDir = pointer === null ? null : entryNamedIn(pointer, path)
  if (gitDir === null) return false
  const [back, hasHead, isLocked] = await Promise.all([textOf(join(gitDir, 'gitdir')), isThere(join(gitDir, 'HEAD')), isThere(join(gitDir, 'locked'))])
  if (back === null || !hasHead) return false
  // git holds this lock while it fills the folder; a crash in the middle leaves it behind.
  if (isLocked && (await textOf(join(gitDir, 'locked')))?.trim() === 'initializing') return false
  const folder = resolve(gitDir, back.trim(), '..')
  return folder === path || await sameFolder(folder, path)
}

async function textOf (path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isAbsence(error) || (error instanceof Error && 'code' in error && error.code === 'EISDIR')) return null
    throw error
  }
}

async function isThere (path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

async function sameFolder (a: string, b: string): Promise<boolean> {
  try {
    return await realpath(a) === await realpath(b)
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}
