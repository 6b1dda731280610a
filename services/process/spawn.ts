/** Starting a command: in a session of its own, by a login-free shell, its output to a file or to us. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { PassThrough, type Readable } from 'node:stream'
import { CommandNotStarted } from '../errors.ts'
import type { Cgroup } from './cgroup.ts'
import { hostCgroups, type Cgroups } from './cgroups.ts'
import { inFolder } from './in-folder.ts'
import { applyLimits, type Limits } from './limits.ts'
import { countBegun } from './pid-order.ts'
import { readStat } from './proc-stat.ts'
import type { ProcessIdentity } from './tree.ts'

/** No profile or rc file is read by `sh -c`. */
export const shell = '/bin/sh'

export interface SpawnInput {
  /** Shell text, run as `/bin/sh -c`. */
  command: string
  cwd: string
  /** The whole environment: nothing of this process's own is added. */
  env: Record<string, string>
  /** A file both streams are appended to by the kernel, or pipes to this process. */
  output: { toFile: string } | 'pipe'
  /**
   * Where the host allows it, the process and all it starts stay in a control group of this mark, within these limits. The
   * kernel takes some 10 ms to move a process there, so only what has limits is given one.
   */
  group?: { mark: string, limits?: Limits | undefined } | undefined
}

/** How a process ended: with a code or by a signal, the other is null. */
export interface ProcessExit {
  code: number | null
  signal: string | null
}

/** A started process: the leader of its own session and group, named for good by pid and start time. */
export interface SpawnedProcess extends ProcessIdentity {
  /** With `pipe` only; buffered until read, so nothing is lost before a reader attaches. */
  stdout: Readable | null
  stderr: Readable | null
  /** Settles when the process itself ends; its children may go on. Never rejects. */
  exited: Promise<ProcessExit>
  /** A sentence on limits that were asked for and are not enforced on this host; null when there are none such. */
  limitsProblem: string | null
  /** Lets this process end while the started one goes on. */
  unref (): void
}

/**
 * Starts `command`; its standard input is empty.
 * @throws CommandNotStarted when the folder is missing, the log can't be opened or the system refuses
 */
export async function spawnProcess ({ command, cwd, env, output, group }: SpawnInput, cgroups: Cgroups = hostCgroups): Promise<SpawnedProcess> {
  await requireFolder(cwd)
  const logFd = output === 'pipe' ? null : await openForAppending(output.toFile)
  const stdio: StdioOptions = logFd === null ? ['ignore', 'pipe', 'pipe'] : ['ignore', logFd, logFd]
  const cgroup = group === undefined ? null : await cgroups.make(group.mark)
  try {
    const limitsProblem = await applyLimits(cgroups, cgroup, group?.limits)
    const begunBefore = countBegun()
    // `detached` is setsid(): signals to our terminal don't reach the child, and its group has its pid.
    return await begun(begunBefore, spawn(shell, ['-c', entering(cgroup) + command], { cwd, env, stdio, detached: true }), limitsProblem)
  } catch (cause) {
    await cgroup?.remove()
    throw new CommandNotStarted(`The command could not be started in ${cwd}: ${reasonOf(cause)}`, { cause })
  } finally {
    if (logFd !== null) closeSync(logFd)
  }
}

/**
 * Shell text by which the shell itself goes into the group before it does anything else, so that nothing of the command ever
 * runs outside. On the same line, so that the shell's messages name the command's own lines; that it works was tried out.
 */
function entering (cgroup: Cgroup | null): string {
  if (cgroup === null) return ''
  const file = `${cgroup.folder}/cgroup.procs`.replaceAll("'", "'\\''")
  return `{ echo $$ >'${file}'; } 2>/dev/null || :; `
}

async function begun (begunBefore: number | null, child: ChildProcess, limitsProblem: string | null): Promise<SpawnedProcess> {
  const exited = new Promise<ProcessExit>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  // Read before the event loop turns: until then even a process that ended at once is not yet reaped.
  const born = child.pid === undefined ? null : readStat(child.pid)
  const stdout = keep(child.stdout)
  const stderr = keep(child.stderr)
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  return {
    pid,
    startTime: born?.startTime ?? '',
    begunBefore,
    stdout,
    stderr,
    exited,
    limitsProblem,
    unref: () => child.unref()
  }
}

/**
 * Node throws unread output away when a child exits; a stream in between keeps it, with back
 * pressure, until somebody reads.
 */
function keep (source: Readable | null): Readable | null {
  if (!source) return null
  const kept = new PassThrough()
  source.pipe(kept)
  // A source that breaks ends the copy too, so that no reader waits for ever.
  source.once('error', () => kept.end())
  source.once('close', () => kept.end())
  kept.once('close', () => source.destroy())
  return kept
}

async function requireFolder (cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => null)
  if (!found?.isDirectory()) {
    throw new CommandNotStarted(`The command could not be started: the folder ${cwd} ${found ? 'is not a folder' : 'does not exist'}`)
  }
}

async function openForAppending (path: string): Promise<number> {
  try {
    return await inFolder(path, () => openSync(path, 'a', 0o600))
  } catch (cause) {
    throw new CommandNotStarted(`The command could not be started: its log ${path} can not be opened (${reasonOf(cause)})`, { cause })
  }
}

function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
