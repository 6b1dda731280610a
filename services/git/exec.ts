/** Runs git: one process per call, in a closed environment, bounded in time and output. */
import { existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { environmentFor, type ChildUser } from '../process/child-user.ts'
import { ownFiles, type Files } from '../process/files.ts'
import { launchHere, type Launch, type Launched } from '../process/launch.ts'
import { gitEnvironment } from './environment.ts'

export interface GitOptions {
  cwd: string
  /** Written to standard input; without it standard input is closed. Pieces are asked for as git takes them; when they fail, git is ended. */
  input?: string | Buffer | AsyncIterable<Buffer>
  /** Further variables, for example GIT_INDEX_FILE. */
  env?: Record<string, string>
  /** Settings of this call only, as [key, value]. */
  config?: readonly (readonly [string, string])[]
  signal?: AbortSignal
  /** Exit codes beside 0 that are an answer, not a failure. */
  allowExitCodes?: readonly number[]
  /** Takes the output piece by piece instead of `stdout`, which stays empty; git waits while a promise is pending. */
  onStdout?: (chunk: Buffer) => void | Promise<void>
  /** Output above this ends the call with GitFailed. Default 256 MiB. */
  maxBytes?: number
  /** Default: that of `createGit`. */
  timeoutMs?: number
}

export interface GitResult {
  stdout: string
  stderr: string
  exitCode: number
}

export interface GitBytes {
  stdout: Buffer
  stderr: string
  exitCode: number
}

/** Runs git and gives its output as text; `bytes` gives it as it is, for names and contents that need not be UTF-8. */
export interface Git {
  (args: readonly string[], options: GitOptions): Promise<GitResult>
  bytes (args: readonly string[], options: GitOptions): Promise<GitBytes>
  /** Work on what git works on, as the user that git runs as. */
  readonly files: Files
  /** Null: this process's own. */
  readonly user: ChildUser | null
}

export type GitFailureReason = 'exited' | 'timed_out' | 'aborted' | 'too_much_output' | 'not_started'

/** git did not do what it was asked to. `stderr` is its own text, with passwords in URLs masked. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed'
  readonly args: readonly string[]
  readonly exitCode: number | null
  readonly stderr: string
  readonly reason: GitFailureReason
  constructor (input: { args: readonly string[], exitCode: number | null, stderr: string, reason: GitFailureReason, cause?: unknown }) {
    const stderr = maskUrlPasswords(input.stderr.trim())
    super(maskUrlPasswords(`git ${input.args[0] ?? ''} ${describe(input.reason, input.exitCode)}${stderr === '' ? '' : `: ${lastLines(stderr)}`}`), { cause: input.cause })
    this.args = input.args
    this.exitCode = input.exitCode
    this.stderr = stderr
    this.reason = input.reason
  }
}

/** Why it failed in git's own words, without its progress lines and short enough for a message to a person. */
export function gitReason (error: unknown): string {
  if (!(error instanceof GitFailed) || error.stderr === '') return error instanceof Error ? error.message : String(error)
  const lines = error.stderr.split('\n')
  const start = lines.findIndex(line => /^(fatal|error): /.test(line))
  return start === -1 ? lastLines(error.stderr) : lines.slice(start, start + 3).join('\n').replace(/^(fatal|error): /, '')
}

const describe = (reason: GitFailureReason, exitCode: number | null) => reason === 'exited' ? `exited with ${exitCode ?? 'a signal'}` : reason.replaceAll('_', ' ')

const lastLines = (text: string) => text.split('\n').slice(-3).join('\n')

const maskUrlPasswords = (text: string) => text.replace(/(\w+:\/\/[^\s/:@]*):[^\s/@]+@/g, '$1:***@')

// Checking out a very large repository on a slow disk takes minutes; nothing git does here should take more.
const DEFAULT_TIMEOUT_MS = 600_000
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024
// More of an error text than this helps nobody.
const MAX_STDERR_BYTES = 64 * 1024

export interface GitDeps {
  /** The host environment to pick from; this process's own unless given. */
  env?: Readonly<Record<string, string | undefined>>
  /** The default limit of a call. */
  timeoutMs?: number
  /** Run the hooks of repositories. */
  hooks?: boolean
  /** What git is begun by; this process itself unless given. */
  launch?: Launch
  /** Who runs git, and with it what repositories have it run; this process's user unless given. */
  as?: { user: ChildUser | null, files: Files }
}

/** Makes the function that runs git. */
export function createGit (deps: GitDeps = {}): Git {
  const { user, files } = deps.as ?? { user: null, files: ownFiles }
  const host = environmentFor(user, deps.env ?? process.env)
  const limitMs = deps.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const launch = deps.launch ?? launchHere
  const bytes = async (args: readonly string[], options: GitOptions) => await run(launch, args, {
    ...options,
    env: { ...gitEnvironment(host, options.config, { hooks: deps.hooks === true }), ...options.env },
    timeoutMs: options.timeoutMs ?? limitMs,
    user
  })
  return Object.assign(async (args: readonly string[], options: GitOptions): Promise<GitResult> => {
    const result = await bytes(args, options)
    return { ...result, stdout: result.stdout.toString('utf8') }
  }, { bytes, files, user })
}

/**
 * Starts git in a session of its own: it can't ask on a terminal, and a time-out reaches ssh and filters too.
 * @throws GitFailed when it can't be started
 */
async function start (launch: Launch, args: readonly string[], { cwd, env = {}, user }: RunOptions): Promise<Launched> {
  try {
    return await launch({ file: 'git', args, cwd, env, input: 'pipe', output: 'pipe', user })
  } catch (error) {
    const reason = existsSync(cwd) ? (error as Error).message : 'there is no such folder'
    throw new GitFailed({ args, exitCode: null, stderr: `git could not be started in ${cwd}: ${reason}`, reason: 'not_started', cause: error })
  }
}

interface RunOptions extends GitOptions { timeoutMs: number, user: ChildUser | null }

async function run (launch: Launch, args: readonly string[], options: RunOptions): Promise<GitBytes> {
  const { signal } = options
  const isAborted = () => signal?.aborted === true
  const aborted = () => new GitFailed({ args, exitCode: null, stderr: '', reason: 'aborted', cause: signal?.reason })
  if (isAborted()) throw aborted()
  const child = await start(launch, args, options)
  let failure: { reason: GitFailureReason, cause: unknown } | null = null
  const end = (reason: GitFailureReason, cause?: unknown) => {
    failure ??= { reason, cause }
    killGroup(child)
  }
  const out = options.onStdout === undefined
    ? collect(child.stdout, options.maxBytes ?? DEFAULT_MAX_BYTES, () => end('too_much_output'))
    : consume(child.stdout, options.onStdout, error => end('aborted', error))
  const err = collect(child.stderr, MAX_STDERR_BYTES, () => {})
  const timer = setTimeout(() => end('timed_out'), options.timeoutMs)
  const abort = () => end('aborted', signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (isAborted()) abort()
  feed(child.stdin, options.input, error => end('aborted', error))
  const [stdout, stderr, { code }] = await Promise.all([out, err, child.exited])
  clearTimeout(timer)
  signal?.removeEventListener('abort', abort)
  const fail = (reason: GitFailureReason, exitCode: number | null, cause?: unknown) => new GitFailed({ args, exitCode, stderr: stderr.toString('utf8'), reason, cause })
  // Set by what was told meanwhile, which the compiler can't see.
  const failed = failure as { reason: GitFailureReason, cause: unknown } | null
  if (failed !== null) throw fail(failed.reason, code, failed.cause)
  if (code === null || (code !== 0 && options.allowExitCodes?.includes(code) !== true)) throw fail('exited', code)
  return { stdout, stderr: stderr.toString('utf8'), exitCode: code }
}

/** Gathers a stream to its end, up to `maxBytes` (the rest is read and dropped); `onExcess` is told once. */
async function collect (stream: Readable | null, maxBytes: number, onExcess: () => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  await consume(stream, chunk => {
    if (size > maxBytes) return
    size += chunk.length
    if (size > maxBytes) onExcess()
    else chunks.push(chunk)
  }, () => {})
  return Buffer.concat(chunks)
}

/** Hands a stream on piece by piece, one at a time; the first error is told once and the rest is dropped. Gives nothing. */
async function consume (stream: Readable | null, onChunk: (chunk: Buffer) => void | Promise<void>, onError: (error: unknown) => void): Promise<Buffer> {
  try {
    for await (const chunk of stream ?? []) await onChunk(chunk as Buffer)
  } catch (error) {
    onError(error)
  }
  return Buffer.alloc(0)
}

/** What writing to a pipe fails with whose reader has gone. */
const closedByReader = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'])

/** Writes what git is to read, pieces as they are taken; git may end without reading everything, and its exit code tells. */
function feed (stdin: Writable | null, input: GitOptions['input'], onError: (error: unknown) => void): void {
  if (typeof input !== 'object' || Buffer.isBuffer(input)) stdin?.end(input)
  else if (stdin !== null) {
    pipeline(input, stdin).catch((error: NodeJS.ErrnoException) => {
      if (!closedByReader.has(error.code ?? '')) onError(error)
    })
  }
}

function killGroup (child: Launched): void {
  if (child.pid === 0) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is gone: that is what was wanted.
  }
}
