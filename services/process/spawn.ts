/** Starting a command: in a session of its own, by a login-free shell, its output to a file or to us. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { CommandNotStarted } from '../errors.ts'
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
  /** Lets this process end while the started one goes on. */
  unref (): void
}

/**
 * Starts `command`; its standard input is empty.
 * @throws CommandNotStarted when the folder is missing, the log can't be opened or the system refuses
 */
export async function spawnProcess ({ command, cwd, env, output }: SpawnInput): Promise<SpawnedProcess> {
  await requireFolder(cwd)
  const logFd = output === 'pipe' ? null : await openForAppending(output.toFile)
  const stdio: StdioOptions = logFd === null ? ['ignore', 'pipe', 'pipe'] : ['ignore', logFd, logFd]
  try {
    // `detached` is setsid(): signals to our terminal don't reach the child, and its group has its pid.
    return await begun(spawn(shell, ['-c', command], { cwd, env, stdio, detached: true }))
  } catch (cause) {
    throw new CommandNotStarted(`The command could not be started in ${cwd}: ${reasonOf(cause)}`, { cause })
  } finally {
    if (logFd !== null) closeSync(logFd)
  }
}

async function begun (child: ChildProcess): Promise<SpawnedProcess> {
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
    stdout,
    stderr,
    exited,
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
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new CommandNotStarted(`The command could not be started: its log ${path} can not be opened (${reasonOf(cause)})`, { cause })
  }
}

function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
