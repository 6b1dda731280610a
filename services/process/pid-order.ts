/** Whether what was begun after a process can be told by its pid: numbers are given in turn, so that only greater ones have to be looked at. */
import { readFileSync } from 'node:fs'

/** Beyond the threads there are now: what may have been alive while numbers were given, and is not any more. */
const formerThreads = 1000

/** How many processes and threads the system has begun since its boot; null where it does not tell. */
export function countBegun (): number | null {
  return numberIn('/proc/stat', /^processes (\d+)$/m)
}

export interface PidNumbers {
  /** Processes and threads begun since boot. */
  begun: number
  /** The number given last. */
  last: number
  /** Processes and threads there are. */
  threads: number
  /** Numbers are less than this; after the greatest they begin anew. */
  max: number
}

/** How far the system has come with its numbers; null where it does not tell. */
export function readPidNumbers (): PidNumbers | null {
  const begun = countBegun()
  const max = numberIn('/proc/sys/kernel/pid_max', /^(\d+)/)
  const [threads, last] = numbersIn('/proc/loadavg', /\/(\d+) (\d+)\s*$/)
  return begun === null || max === null || threads === undefined || last === undefined ? null : { begun, max, threads, last }
}

/**
 * True when every process begun after `pid` has a greater pid. Each takes the next free number after the last one given
 * (`idr_alloc_cyclic` in the kernel's pid.c), so with fewer begun than there were numbers left, they can't have begun anew.
 * @param begunBefore what `countBegun` said before `pid` was begun
 */
export function onlyGrewSince (pid: number, begunBefore: number, numbers: PidNumbers | null = readPidNumbers()): boolean {
  if (numbers === null) return false
  // A number in use is passed over. One that was taken for a fork that failed is not counted: then the last one tells.
  const furthest = pid + (numbers.begun - begunBefore) + numbers.threads + formerThreads
  return furthest < numbers.max && numbers.last >= pid && numbers.last <= furthest
}

function numberIn (path: string, pattern: RegExp): number | null {
  return numbersIn(path, pattern)[0] ?? null
}

/** What the pattern's groups match; empty when the file can't be read or says something else. */
function numbersIn (path: string, pattern: RegExp): number[] {
  try {
    return pattern.exec(readFileSync(path, 'utf8'))?.slice(1).map(Number) ?? []
  } catch {
    // No /proc, or a part of it is hidden: then all processes are looked at.
    return []
  }
}
