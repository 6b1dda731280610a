/** How much room a folder takes on the disk: counted without haste, links not followed, other file systems left out. */
import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAbsence } from './local-paths.ts'

/** Entries between two pauses: some 20,000 entries a second at most, which leaves the disk to others. */
const entriesAtOnce = 500
const pauseMs = 25
/** Asked for side by side: as many as libuv has threads. */
const statsAtOnce = 4

/**
 * Bytes of the blocks that the files and folders below a path take (`du`); a file with several names counts once.
 * What goes away meanwhile counts nothing, nor what may not be looked into.
 * @param path absolute
 * @returns null when there is no folder
 * @throws the reason of the signal
 */
export async function measureFolder (path: string, signal: AbortSignal): Promise<number | null> {
  const root = await lookAt(path)
  if (root === null || !root.isDirectory()) return null
  const counts = countOnce(root.dev)
  const folders = [path]
  let bytes = root.blocks * 512
  let sincePause = 0
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = await readdir(folder).catch(() => []) // gone meanwhile, or not ours to read
    for (let at = 0; at < names.length; at += statsAtOnce) {
      const some = names.slice(at, at + statsAtOnce).map(name => join(folder, name))
      const found = await Promise.all(some.map(lookAt))
      for (const [index, entry] of found.entries()) {
        if (entry === null || !counts(entry)) continue
        bytes += entry.blocks * 512
        if (entry.isDirectory()) folders.push(some[index] ?? folder)
      }
      sincePause += some.length
      if (sincePause < entriesAtOnce) continue
      sincePause = 0
      await sleep(pauseMs, null, { signal })
    }
  }
  return bytes
}

/** Whether an entry counts: it lies on this file system, and no other name of it was met before. */
function countOnce (device: number): (entry: Stats) => boolean {
  const seen = new Set<number>()
  return entry => {
    if (entry.dev !== device || seen.has(entry.ino)) return false
    if (entry.nlink > 1 && !entry.isDirectory()) seen.add(entry.ino)
    return true
  }
}

async function lookAt (path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (isAbsence(error) || (error instanceof Error && 'code' in error && error.code === 'EACCES')) return null
    throw error
  }
}
