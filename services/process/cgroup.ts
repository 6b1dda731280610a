/** One control group: who is in it, ending them all at once, removing it, reading and writing its settings. */
import { constants, readdirSync, readFileSync } from 'node:fs'
import { open, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DeadlinePassed, until } from './until.ts'

export interface Cgroup {
  folder: string
  /** The processes in it and in groups that they made below it; empty when it is gone. */
  pids (): number[]
  /** Kills them all, those too that are being forked; false where the kernel can't (before 5.14). */
  kill (): Promise<boolean>
  /** Removes it with the groups below it; false when something is still in it. */
  remove (): Promise<boolean>
  /** A setting or counter; null when it has none of this name. */
  read (name: string): string | null
  /** Sets it. Null when done, else the code of the error. */
  write (name: string, value: string | number): Promise<string | null>
}

/** Who has just ended leaves the group a moment later. */
const emptyWithinMs = 250

export function cgroupAt (folder: string): Cgroup {
  const write: Cgroup['write'] = async (name, value) => await writeSetting(join(folder, name), String(value))
  return {
    folder,
    pids: () => pidsBelow(folder),
    kill: async () => await write('cgroup.kill', 1) === null,
    remove: async () => await removeSoon(folder),
    read: name => readSetting(join(folder, name)),
    write
  }
}

/** The text of a control file; null when it is not there or can't be read. */
export function readSetting (path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // No such controller here, or the group is gone.
    return null
  }
}

/**
 * Writes a control file, which must be there. Never waits in this thread: the kernel lets one writer in at a time,
 * and moving a process can take it 10 ms.
 * @returns null when done, else the code of the error
 */
export async function writeSetting (path: string, value: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_WRONLY)
    try {
      await file.write(value)
    } finally {
      await file.close()
    }
    return null
  } catch (error) {
    return codeOf(error)
  }
}

/** The code of a system error, `EBUSY` and the like. */
export function codeOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}

function pidsBelow (folder: string): number[] {
  const own = (readSetting(join(folder, 'cgroup.procs')) ?? '').split('\n').map(Number)
  // A 0 is a process of another pid namespace, which can't be named from here.
  return [...own.filter(pid => pid > 0), ...foldersIn(folder).flatMap(pidsBelow)]
}

function foldersIn (folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => join(folder, name))
  } catch {
    // Gone since it was listed.
    return []
  }
}

async function removeSoon (folder: string): Promise<boolean> {
  try {
    return await until(async () => await removeNow(folder), { firstMs: 1, maxMs: 25, withinMs: emptyWithinMs })
  } catch (error) {
    if (error instanceof DeadlinePassed) return false
    throw error
  }
}

/** Groups are removed from the innermost outwards; what is not empty stays. */
async function removeNow (folder: string): Promise<boolean> {
  for (const inner of foldersIn(folder)) await removeNow(inner)
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    return codeOf(error) === 'ENOENT'
  }
}
