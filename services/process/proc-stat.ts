/** What the kernel says of processes: /proc/<pid>/stat, and `ps` where there is no /proc. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** True on Linux; elsewhere only single processes can be looked at, through `ps`. */
export const hasProc = existsSync('/proc/self/stat')

export interface ProcessStat {
  pid: number
  /** R, S, D, T, Z, X: see proc(5). */
  state: string
  parent: number
  group: number
  session: number
  /** How many there are, the first included; 1 where that can't be told. */
  threads: number
  /** Opaque; with the pid it names a process for good, also over a reboot. */
  startTime: string
  /** Clock ticks since boot; 0 where unknown. */
  startTicks: number
}

/** Ticks count from boot, so a reboot could repeat a pid and its ticks: the boot is part of the time. */
const bootMark = readBootMark()

function readBootMark (): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8)
  } catch {
    // No boot id (not Linux, or hidden): the start time alone has to do.
    return ''
  }
}

/** One process as it is now, zombies included; null when there is none with this pid. */
export function readStat (pid: number): ProcessStat | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  if (!hasProc) return readStatFromPs(pid)
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // Gone between the listing and the look, or hidden from us: either way not a process we can speak of.
    return null
  }
}

/** Pids from the first to the last. */
export interface PidRange { from: number, to: number }

export const everyPid: PidRange = { from: 0, to: Infinity }

/**
 * Every process this one can see, zombies included; empty where there is no /proc.
 * @param rangeOf asked once they are listed: who is outside is not looked at
 */
export function readAllStats (rangeOf: () => PidRange = () => everyPid): ProcessStat[] {
  if (!hasProc) return []
  const stats: ProcessStat[] = []
  const names = readdirSync('/proc')
  const { from, to } = rangeOf()
  for (const name of names) {
    const pid = Number(name)
    if (!Number.isSafeInteger(pid) || pid < from || pid > to) continue
    const stat = readStat(pid)
    if (stat) stats.push(stat)
  }
  return stats
}

/** The pids of a process's children, whichever of its threads made them; empty where the kernel does not tell (before 4.2, or built without). */
export function childrenOf (pid: number): number[] {
  const folder = `/proc/${pid}/task`
  try {
    return readdirSync(folder).flatMap(thread => readFileSync(`${folder}/${thread}/children`, 'utf8').split(' ').map(Number).filter(child => child > 0))
  } catch {
    // It has gone, or one of its threads has just now: whoever has to know all of a tree looks through all processes.
    return []
  }
}

/** The clock ticks of a start time of this boot; 0 where it can't be told, which is before everything. */
export function ticksOf (startTime: string): number {
  const [ticks, boot] = startTime.split('@')
  return boot === bootMark ? Number(ticks) || 0 : 0
}

/**
 * Zombies have ended; only their exit code waits to be collected. The state is that of the first thread: while others
 * are left, the process has its memory and its sockets still.
 */
export function hasEnded ({ state, threads }: Pick<ProcessStat, 'state' | 'threads'>): boolean {
  return (state === 'Z' || state === 'X' || state === 'x') && threads <= 1
}

const dot = 0x2e

/** The command line of a process, its arguments joined by blanks; null when it can't be read. */
export function readCommandLine (pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ')
    return text || readFileSync(`/proc/${pid}/comm`, 'utf8').trim() || null
  } catch {
    // Gone, or no /proc.
    return null
  }
}

/** The environment the process was started with; empty when it is gone or another user's. */
export function startEnvironment (pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(entry => entry.includes('='))
    return Object.fromEntries(entries.map(entry => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
  } catch {
    // It has ended meanwhile, or we may not look into it.
    return {}
  }
}

/** True when the process was started with this `NAME=value` in its environment, or with a value that goes on with a dot. */
export function hasInEnvironment (pid: number, assignment: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`)
    const wanted = Buffer.from(assignment)
    for (let at = environment.indexOf(wanted); at !== -1; at = environment.indexOf(wanted, at + 1)) {
      if (at > 0 && environment[at - 1] !== 0) continue
      const after = environment[at + wanted.length]
      if (after === undefined || after === 0 || after === dot) return true
    }
  } catch {
    // Another user's process, or gone: not one we started.
  }
  return false
}

/** The second field may hold blanks and brackets, so counting begins behind its last bracket (proc(5)). */
function parseStat (pid: number, text: string): ProcessStat | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  const threads = fields[17]
  const ticks = fields[19]
  if (state === undefined || ticks === undefined) return null
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    threads: Number(threads),
    startTime: `${ticks}@${bootMark}`,
    startTicks: Number(ticks)
  }
}

function readStatFromPs (pid: number): ProcessStat | null {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,ppid=,pgid=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  if (status !== 0) return null
  const [state, parent, group, ...started] = stdout.trim().split(/\s+/)
  if (!state) return null
  return { pid, state: state.slice(0, 1), parent: Number(parent), group: Number(group), session: 0, threads: 1, startTime: started.join(' '), startTicks: 0 }
}
