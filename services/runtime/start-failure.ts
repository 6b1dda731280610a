/** What a failed start leaves: no process, a row that says why, and a problem with the cause and the last lines of its log. */
import { updateLiveService } from '../../db/runtime-services.ts'
import { ServiceStartFailed, isProblem, type Problem } from '../errors.ts'
import { Cancellation } from '../operations/cancellation.ts'
import { portOwner, type PortOwner } from '../process/proc-net.ts'
import { outOfMemoryWords, wasOutOfMemory } from '../process/limits.ts'
import type { ProcessExit } from '../process/spawn.ts'
import { terminate } from '../process/terminate.ts'
import { copyServiceLog } from './log-copy.ts'
import { exitColumns, exitWords, type WatchedService } from './live-services.ts'
import { readLastLines } from './log-file.ts'
import type { Readiness } from './readiness.ts'
import type { Attempt } from './service-intent.ts'
import type { ServiceRunDeps } from './service-run.ts'

export interface FailedStart {
  problem: Problem
  /** For the row, a sentence or two. */
  reason: string
  /** How its process ended by itself; null when it did not. */
  exit: ProcessExit | null
  /** An automatic port that another program has taken; another port may help. */
  lostPort: number | null
}

type NotReady = Extract<Readiness, { ready: false }>

const shownLines = 20

/** Records in the row that the start has failed, and gives back a port nobody will ask for again. */
export async function failStart (deps: ServiceRunDeps, { row, plan }: Pick<Attempt, 'row' | 'plan'>, { reason, exit }: FailedStart): Promise<void> {
  const at = deps.now()
  await updateLiveService(deps.db, row.id, { ...exitColumns(exit ?? { code: null, signal: null }, at), status: 'failed', exit_reason: reason }, at)
  if (plan.lifecycle === 'ephemeral') await deps.ports.release(plan.holderKey)
}

/**
 * Ends what was started and makes the problem; the row is left to be settled.
 * @param cause why it was not ready, or what was thrown
 */
export async function endFailedStart (deps: ServiceRunDeps, attempt: Attempt, service: WatchedService | null, cause: unknown): Promise<FailedStart> {
  const { plan, op, row, mark, port, log, rendered } = attempt
  const exit = isNotReady(cause) ? cause.exit : null
  // Asked before the control group goes with its count.
  const memory = wasOutOfMemory(mark) ? ` ${outOfMemoryWords}` : ''
  const proof = service === null ? null : await terminate({ root: service.identity, mark, signal: plan.stopSignal, graceMs: plan.graceMs })
  deps.live.remove(row.id)
  const owner = port === null ? null : await portOwner(port)
  const reason = reasonOf(cause, owner, port, op.signal) + memory
  await copyServiceLog(op, log, rendered.env)
  const redactor = deps.redactor.with(rendered.env)
  const lines = await readLastLines(log.path, shownLines, { fromByte: log.fromByte })
  const survivors = proof?.survivors ?? []
  const detail = `${plan.name} did not start: ${reason}${survivors.length > 0 ? ` Processes ${survivors.join(', ')} could not be ended.` : ''}`
  const problem = new ServiceStartFailed(detail, {
    members: {
      service: plan.name,
      runtimeServiceId: row.id,
      cause: causeMembers(cause, owner, port),
      lastLines: lines.map(line => redactor.mask(line)),
      ...(survivors.length > 0 ? { survivors } : {})
    },
    cause: cause instanceof Error ? cause : undefined
  })
  // The problem itself is written by who records the operation; here is how it ended.
  if (proof !== null) op.log.system(`${plan.name}: ended ${proof.membersBefore.length} processes of the failed start.`)
  return { problem, reason, exit, lostPort: plan.port.type === 'auto' && owner !== null && !isAborted(cause) ? port : null }
}

function isNotReady (cause: unknown): cause is NotReady {
  return typeof cause === 'object' && cause !== null && 'ready' in cause
}

function isAborted (cause: unknown): boolean {
  return isNotReady(cause) && cause.reason === 'aborted'
}

/** One or two sentences, beginning small to go on from "did not start:". */
function reasonOf (cause: unknown, owner: PortOwner | null, port: number | null, { reason }: AbortSignal): string {
  const taken = owner === null ? '' : ` Port ${port} is in use by ${ownerWords(owner)}.`
  if (!isNotReady(cause)) {
    if (isProblem(cause)) return `${cause.detail}.${taken}`
    return `${cause instanceof Error ? cause.message : String(cause)}.${taken}`
  }
  switch (cause.reason) {
    case 'exited': return `${exitSentence(cause.exit)}${taken}`
    case 'timed_out': return `it was not ready within ${cause.afterMs} ms; ${cause.lastResult}.${taken}`
    case 'foreign_listener': return `${cause.lastResult}.${taken}`
    case 'aborted': return reason instanceof Cancellation ? 'its start was cancelled.' : 'it was told to stop while it started.'
  }
}

function exitSentence (exit: ProcessExit | null): string {
  const words = exitWords(exit ?? { code: null, signal: null })
  return `it${words.slice(2, -1)} before it was ready.`
}

function ownerWords ({ pid, command }: PortOwner): string {
  if (pid === null) return 'a process that can not be named from here'
  return `process ${pid}${command === null ? '' : ` (${command})`}`
}

function causeMembers (cause: unknown, owner: PortOwner | null, port: number | null) {
  return {
    reason: isNotReady(cause) ? cause.reason : 'not_started',
    exitCode: isNotReady(cause) ? cause.exit?.code ?? null : null,
    exitSignal: isNotReady(cause) ? cause.exit?.signal ?? null : null,
    readiness: isNotReady(cause) ? cause.lastResult : null,
    port,
    portOwner: owner
  }
}
