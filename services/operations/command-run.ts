/** Runs a command to its end under an operation: output to the log as it comes, and nothing of it left running afterwards. */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ChildUser } from '../process/child-user.ts'
import { outOfMemoryWords, wasOutOfMemory, type Limits } from '../process/limits.ts'
import { launchHere, type Launch } from '../process/launch.ts'
import { settlesWithin } from '../process/settles-within.ts'
import { spawnProcess, type SpawnedProcess } from '../process/spawn.ts'
import { terminate, type StopProof } from '../process/terminate.ts'
import { markVariable, type ProcessIdentity } from '../process/tree.ts'
import type { OutputStream } from './log-writer.ts'
import type { OperationFinish, OperationHandle } from './operation-handle.ts'
import { statusWhenEnded } from './run-step.ts'

/** What limits the time of a command: the job's own entry, or the service's configuration. */
export type TimeoutName = 'timeoutSec' | 'BERTH_COMMAND_TIMEOUT_SEC'

export interface CommandRunOptions {
  op: OperationHandle
  /** Shell text. */
  command: string
  cwd: string
  /** The whole environment; the operation's mark is put in. Secrets in it are masked in the log. */
  env: Record<string, string>
  /** Whom it runs as; null: as this process. */
  user?: ChildUser | null
  /** Null: no limit. */
  timeoutMs: number | null
  /** The setting the limit comes from, to be named when it is over. */
  timeoutName?: TimeoutName
  /** From the stop signal to SIGKILL. */
  graceMs?: number
  /** Of its whole process tree; where the host can't enforce them the log says so. */
  limits?: Limits | undefined
  /** Ends the command, beside `op.signal`. */
  signal?: AbortSignal
  /** Told once its process is there. */
  onSpawned?: (() => void) | undefined
  /** What it is begun by; this process itself unless given. */
  launch?: Launch
}

export interface CommandResult {
  exitCode: number | null
  signal: string | null
  outcome: 'exited' | 'timed_out' | 'cancelled'
  /** The limit that ended it; null when none did. */
  timer: { name: TimeoutName, sec: number } | null
  /** The kernel ended processes of it because they needed more than the memory limit. */
  outOfMemory: boolean
  /** What was ended beyond the command's own exit; null when nothing had to be. */
  stop: StopProof | null
}

const defaultGraceMs = 5_000
/** Node's timers fire at once beyond this (24.8 days). */
const maxTimerMs = 2_147_483_647
/** Output still in the pipes when the command exits arrives within this time; a pipe open longer is held by a process left behind. */
const lastOutputMs = 100
/** Once everything was ended, output that does not go on for this long is held open by a process we can't see, and given up. */
const silentMs = 2_000
/** What lives longer is worth a row's change. */
const attachAfterMs = 20

interface Copy {
  /** Resolves when both streams have ended; never rejects. */
  done: Promise<unknown>
  /** Counts what came through. */
  chunks: number
}

function startCopy (child: SpawnedProcess, op: OperationHandle): Copy {
  const copy: Copy = { done: Promise.resolve(), chunks: 0 }
  async function take (from: Readable | null, stream: OutputStream): Promise<void> {
    if (from === null) return
    try {
      for await (const chunk of from) {
        await op.log.write(stream, chunk as Buffer)
        copy.chunks++
      }
    } catch {
      // The pipe was torn down under us, which only happens when we gave up on it ourselves.
    }
  }
  copy.done = Promise.all([take(child.stdout, 'stdout'), take(child.stderr, 'stderr')])
  return copy
}

type Ending = 'exited' | 'timed_out' | 'cancelled'

/** Waits for the first of: exit, time-out, abort. */
async function firstEnding (exited: Promise<unknown>, timeoutMs: number | null, signal: AbortSignal): Promise<Ending> {
  if (signal.aborted) return 'cancelled'
  const { promise, resolve } = Promise.withResolvers<Ending>()
  const onAbort = (): void => resolve('cancelled')
  const timer = timeoutMs === null ? null : setTimeout(() => resolve('timed_out'), Math.min(timeoutMs, maxTimerMs))
  signal.addEventListener('abort', onAbort, { once: true })
  exited.then(() => resolve('exited'), () => resolve('exited'))
  try {
    return await promise
  } finally {
    if (timer !== null) clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Ends what is left of the command's processes, and removes its control group; null when there was nothing to end. */
async function endRest (root: ProcessIdentity, mark: string, graceMs: number, mustEnd: boolean): Promise<StopProof | null> {
  const proof = await terminate({ root, mark, graceMs })
  return mustEnd || proof.membersBefore.length > 0 ? proof : null
}

function leftBehind (count: number): string {
  return count === 1 ? 'The command left a process running; it was ended.' : `The command left ${count} processes running; they were ended.`
}

function explain (op: OperationHandle, { outcome, timer, outOfMemory, stop }: Omit<CommandResult, 'exitCode' | 'signal'>): void {
  if (outOfMemory) op.log.system(outOfMemoryWords)
  if (timer !== null) op.log.system(`The command was ended: it ran longer than ${timer.sec} s (${timer.name}).`)
  if (outcome === 'cancelled') op.log.system('The command was ended: it was cancelled.')
  if (outcome === 'exited' && stop !== null) op.log.system(leftBehind(stop.membersBefore.length))
  if (stop !== null && stop.survivors.length > 0) op.log.system(`These processes could not be ended: ${stop.survivors.join(', ')}.`)
}

/** Waits for the rest of the output as long as it keeps coming. */
async function settleOutput (child: SpawnedProcess, copy: Copy): Promise<void> {
  for (let before = -1; before !== copy.chunks;) {
    before = copy.chunks
    if (await settlesWithin(copy.done, silentMs)) return
  }
  child.stdout?.destroy()
  child.stderr?.destroy()
  await copy.done
}

/**
 * Runs a shell command and streams its output to the operation's log. Ends its whole process tree on a time-out or an
 * abort, and whatever it leaves running when it exits. Throws CommandNotStarted when it can't be started.
 */
export async function runCommand ({ op, command, cwd, env, user = null, timeoutMs, timeoutName = 'BERTH_COMMAND_TIMEOUT_SEC', graceMs = defaultGraceMs, limits, signal, onSpawned, launch = launchHere }: CommandRunOptions): Promise<CommandResult> {
  op.log.addSecrets(env)
  const ended = signal === undefined ? op.signal : AbortSignal.any([op.signal, signal])
  ended.throwIfAborted()
  // Made from the operation's, by which all is found, but its own: an operation may run several commands at once.
  const mark = `${op.mark}.${randomUUID()}`
  const child = await spawnProcess({ command, cwd, env: { ...env, [markVariable]: mark }, output: 'pipe', user, ...(limits === undefined ? {} : { group: { mark, limits } }) }, { launch })
  if (child.limitsProblem !== null) op.log.system(child.limitsProblem)
  const root: ProcessIdentity = { pid: child.pid, startTime: child.startTime, begunBefore: child.begunBefore ?? null }
  const attached = attachWhenStaying(op, child, root)
  attached.catch(() => {}) // Awaited below; without this a slow end of the command would make it an unhandled rejection.
  const copy = startCopy(child, op)
  onSpawned?.()

  const outcome = await firstEnding(child.exited, timeoutMs, ended)
  if (outcome === 'exited') await settlesWithin(copy.done, lastOutputMs)
  const timer = outcome === 'timed_out' ? { name: timeoutName, sec: (timeoutMs ?? 0) / 1000 } : null
  const outOfMemory = wasOutOfMemory(mark)
  const stop = await endRest(root, mark, graceMs, outcome !== 'exited')
  await settleOutput(child, copy)
  explain(op, { outcome, timer, outOfMemory, stop })
  await attached
  const exit = await exitOf(child)
  return { exitCode: exit.code, signal: exit.signal, outcome, timer, outOfMemory, stop }
}

/** Stores which process it is, unless that ends at once: till then its mark, which is stored, tells whose it is. */
async function attachWhenStaying (op: OperationHandle, { exited }: SpawnedProcess, root: ProcessIdentity): Promise<void> {
  if (!await settlesWithin(exited, attachAfterMs)) await op.attachProcess(root)
}

/** The child's exit; unknown when it survived even SIGKILL (a process stuck in the kernel). */
async function exitOf (child: SpawnedProcess): Promise<{ code: number | null, signal: string | null }> {
  return await settlesWithin(child.exited, silentMs) ? await child.exited : { code: null, signal: null }
}

/** What to finish an operation with that was this command: its status, exit code, and the proof of what was ended. */
export function finishOf (op: OperationHandle, result: CommandResult): OperationFinish {
  const { exitCode, signal, outcome, timer, outOfMemory, stop } = result
  const survived = stop !== null && stop.survivors.length > 0
  const status = outcome === 'timed_out'
    ? 'timed_out'
    : outcome === 'cancelled' ? statusWhenEnded(op.signal) : exitCode === 0 && !survived ? 'succeeded' : 'failed'
  return {
    status,
    exitCode,
    metadata: {
      ...(signal === null ? {} : { exitSignal: signal }),
      ...(timer === null ? {} : { timer }),
      ...(outOfMemory ? { exitReason: outOfMemoryWords } : {}),
      ...(stop === null ? {} : { stop }),
      ...(survived ? { code: 'stop_incomplete' } : {})
    }
  }
}
