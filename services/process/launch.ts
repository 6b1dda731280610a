/** How a process is begun and what is known of it then: the one door to fork, for commands and for git. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { idsOf, type ChildUser } from './child-user.ts'
import { readStat } from './proc-stat.ts'

export interface LaunchRequest {
  /** A path, or a name that is looked for along `env.PATH`. */
  file: string
  args: readonly string[]
  cwd: string
  /** The whole environment: nothing of this process's own is added. */
  env: Readonly<Record<string, string>>
  /** Its standard input: empty, or a pipe from this process. */
  input: 'none' | 'pipe'
  /** A file both streams are appended to by the kernel (made with mode 0600), or pipes to this process. */
  output: { toFile: string } | 'pipe'
  /** Whom it runs as; absent or null: as whoever begins it. */
  user?: ChildUser | null
  /** A file that it has open for writing, as its descriptor 3; absent or null: none. */
  opens?: string | null
}

/** How a process ended: with a code or by a signal, the other is null; both are null where nobody saw it. */
export interface ProcessExit {
  code: number | null
  signal: string | null
}

/** A process that has begun: the leader of a session and group of its own. */
export interface Launched {
  pid: number
  /** As in `ProcessIdentity`; empty where it can't be known. */
  startTime: string
  /** With `input: 'pipe'` only. It never fails a program that reads less than it is given. */
  stdin: Writable | null
  /** With `output: 'pipe'` only; buffered until read, so nothing is lost before a reader attaches. */
  stdout: Readable | null
  stderr: Readable | null
  /** Settles when the process itself ends; its children may go on. Never rejects. */
  exited: Promise<ProcessExit>
  /** Lets this process end while the started one goes on. */
  unref (): void
}

/** Who was asked to begin a process went away meanwhile: it may have begun all the same. */
export class LauncherLost extends Error {
  override readonly name = 'LauncherLost'
}

/** Begins a process. @throws what the system says (an Error with its `code`) when it can't be begun; LauncherLost */
export type Launch = (request: LaunchRequest) => Promise<Launched>

/**
 * Begins it as a child of this very process. Forking takes the longer the more memory the process has that does it (some 35 µs
 * for each MB, with everything else waiting), which is why a service lets a launcher do it.
 */
export const launchHere: Launch = async request => {
  const child = begin(request, ['pipe', 'pipe', 'pipe'])
  const exited = exitOf(child)
  // Read before the event loop turns: until then even a process that ended at once is not yet reaped.
  const born = child.pid === undefined ? null : readStat(child.pid)
  const [stdout, stderr] = [keep(child.stdout), keep(child.stderr)]
  // A program may end without reading everything; its exit code tells, the broken pipe adds nothing.
  child.stdin?.on('error', () => {})
  await once(child, 'spawn')
  return { pid: child.pid ?? 0, startTime: born?.startTime ?? '', stdin: child.stdin, stdout, stderr, exited, unref: () => child.unref() }
}

/** What stands for the three pipes: `pipe`, or a stream with a descriptor that becomes the child's. */
export type Pipes = readonly ['pipe' | Writable, 'pipe' | Writable, 'pipe' | Writable]

/** Spawns as asked for, in a session of its own. A name that isn't found and the like come as the child's `error`. @throws what can't even be tried */
export function begin ({ file, args, cwd, env, input, output, user, opens = null }: LaunchRequest, [stdin, stdout, stderr]: Pipes): ChildProcess {
  const opened: number[] = []
  try {
    if (output !== 'pipe') opened.push(openSync(output.toFile, 'a', 0o600))
    const [log] = opened
    const further = opens === null ? [] : [openSync(opens, 'w')]
    opened.push(...further)
    // `detached` is setsid(): signals to our terminal don't reach the child, and its group has its pid.
    return spawn(file, args, { cwd, env, detached: true, stdio: [input === 'pipe' ? stdin : 'ignore', log ?? stdout, log ?? stderr, ...further], ...idsOf(user) })
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

/** How a child ends; never rejects. */
export async function exitOf (child: ChildProcess): Promise<ProcessExit> {
  return await new Promise(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/**
 * Node throws unread output away when a child exits; a stream in between keeps it, with back
 * pressure, until somebody reads.
 */
export function keep (source: Readable): PassThrough
export function keep (source: Readable | null): PassThrough | null
export function keep (source: Readable | null): PassThrough | null {
  if (!source) return null
  const kept = new PassThrough()
  source.pipe(kept)
  // A source that breaks ends the copy too, so that no reader waits for ever.
  source.once('error', () => kept.end())
  source.once('close', () => kept.end())
  kept.once('close', () => source.destroy())
  return kept
}
