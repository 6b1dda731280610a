/** Asks again and again whether one process lives, by its entry in /proc held open: a third of the cost of a look by its pid. */
import { closeSync, openSync, readSync } from 'node:fs'
import { isAlive, type ProcessIdentity } from './tree.ts'

export interface LifeLook {
  /** False for good once the process has ended; a zombie has. */
  isAlive (): boolean
  close (): void
}

/** The kernel's line is shorter: 52 numbers and a name of 15 letters, or 63 of a kernel thread. */
const lineBytes = 2_048
const closingBracket = 0x29
const states = { Z: 0x5a, X: 0x58, x: 0x78 }

/** An open entry is that of this very process: with its end reading fails (proc(5)), whoever has its pid then. */
export function openLifeLook (identity: ProcessIdentity): LifeLook {
  let file = openEntry(identity.pid)
  // Opened before it is compared, so that it can't be another's: without it every look goes by the pid.
  const known = isAlive(identity)
  const line = Buffer.allocUnsafe(lineBytes)

  function close (): void {
    if (file !== null) closeSync(file)
    file = null
  }

  return {
    isAlive: () => known && (file === null ? isAlive(identity) : mayLive(file, line) || isAlive(identity)),
    close
  }
}

/** Null where there is no /proc, the process has gone, or no file can be opened any more. */
function openEntry (pid: number): number | null {
  try {
    return openSync(`/proc/${pid}/stat`, 'r')
  } catch {
    // Either way `isAlive` tells.
    return null
  }
}

/** True when its first thread has not ended; else a closer look is due, as others may be left. */
function mayLive (file: number, line: Buffer): boolean {
  try {
    const length = readSync(file, line, 0, line.length, 0)
    const state = line[line.subarray(0, length).lastIndexOf(closingBracket) + 2]
    return state !== states.Z && state !== states.X && state !== states.x
  } catch {
    // ESRCH: it has gone.
    return false
  }
}
