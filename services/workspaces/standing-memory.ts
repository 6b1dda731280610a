/** Remembers by which files a worktree was seen to stand: while they are the same, its use costs three looks that go side by side. */
import { lstat as lstatByCallback, readdir as readdirByCallback } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readEntryLink } from '../git/worktree-link.ts'
import { isAbsence } from './local-paths.ts'
import { worktreeStands } from './standing.ts'

export interface StandingMemory {
  /** As `worktreeStands`. */
  stands (path: string): Promise<boolean>
}

interface Seen {
  /** git's entry for the worktree. */
  entry: string
  /** What told `.git` in the folder, and `gitdir` in the entry, from any other content of theirs. */
  stamps: [pointer: string, back: string]
}

/** Without a promise of the file system's own for each, which costs several times as much. */
const [lstat, readdir] = [promisify(lstatByCallback), promisify(readdirByCallback)]
/** A file that was changed this long ago has another time of change once it is changed again, however coarse the clock of the file system. */
const settledMs = 2_000
/** More worktrees than a host has in use at once. */
const maxRemembered = 10_000

/** @param now milliseconds since the epoch, for tests */
export function createStandingMemory (now: () => number = Date.now): StandingMemory {
  const remembered = new Map<string, Seen>()

  async function lookAnew (path: string): Promise<boolean> {
    const seen = await see(path, now())
    if (!await worktreeStands(path)) return false
    if (remembered.size >= maxRemembered) remembered.clear()
    if (seen !== null) remembered.set(path, seen)
    return true
  }

  return {
    async stands (path) {
      const seen = remembered.get(path)
      if (seen !== undefined && await isSame(path, seen)) return true
      remembered.delete(path)
      return await lookAnew(path)
    }
  }
}

/** What the files are like before they are read; null when that may be said of other content too. */
async function see (path: string, now: number): Promise<Seen | null> {
  const entry = await readEntryLink(path).catch(() => null)
  if (entry === null) return null
  const [pointer, back] = await Promise.all([stampOf(join(path, '.git')), stampOf(join(entry, 'gitdir'))])
  if (pointer === null || back === null || Math.max(pointer.changedMs, back.changedMs) > now - settledMs) return null
  return { entry, stamps: [pointer.text, back.text] }
}

/** One that is locked has to be looked at anew: git itself may hold the lock, while it fills the folder. */
async function isSame (path: string, { entry, stamps }: Seen): Promise<boolean> {
  const [pointer, back, names] = await Promise.all([stampOf(join(path, '.git')), stampOf(join(entry, 'gitdir')), namesIn(entry)])
  return pointer?.text === stamps[0] && back?.text === stamps[1] && names.includes('HEAD') && !names.includes('locked')
}

async function stampOf (path: string): Promise<{ text: string, changedMs: number } | null> {
  try {
    const { dev, ino, size, mode, ctimeMs } = await lstat(path)
    return { text: [dev, ino, size, mode, ctimeMs].join(), changedMs: ctimeMs }
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
}

async function namesIn (folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}
