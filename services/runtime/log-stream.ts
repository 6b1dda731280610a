/** Follows the log of a service: its text as it comes, over automatic restarts, until the service is over. */
import type { Db } from '../../db/client.ts'
import { isLiveRow, type ServiceRow } from '../../db/runtime-services.ts'
import { listServiceStates, type ServiceState } from '../../db/service-states.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import { endEventId, pieceBytes, type LogEvent } from '../operations/log-event.ts'
import type { LogTail, LogTails } from '../operations/log-tail.ts'
import { maskedPiece } from '../operations/masked-piece.ts'
import type { Redactor } from '../operations/redact.ts'
import { createRowWatch, type Followed, type RowWatch } from '../operations/row-watch.ts'
import { createWakeUp } from '../operations/wake-up.ts'
import { readKept } from './log-reading.ts'
import type { RuntimeLog } from './live-services.ts'

/** A place in the logs of a service: which start of it, and how many bytes into its log. */
export interface LogPlace {
  attempt: number
  offset: number
}

export interface ServiceFollow {
  row: ServiceRow
  place: LogPlace
  redactor: Redactor
  /** Where the log of one start lies. */
  pathOf: (attempt: number) => string
  /** The service as it is at the end; null when it is gone. */
  result: () => Promise<RuntimeService | null>
  signal: AbortSignal
}

export interface ServiceStreams {
  /** The events from `place` on; every line once, whatever the service and the reader do. */
  follow (input: ServiceFollow): AsyncGenerator<LogEvent, void, void>
}

interface Course extends ServiceFollow {
  tails: LogTails
  state: Followed<ServiceState>
  notify: () => void
  next: () => Promise<void>
}

export function createServiceStreams ({ db, tails, log }: { db: Db, tails: LogTails, log: RuntimeLog }): ServiceStreams {
  const watch: RowWatch<ServiceState> = createRowWatch({
    read: async ids => new Map((await listServiceStates(db, ids)).map(state => [state.id, state])),
    isSame: (a, b) => a.status === b.status && a.attempt === b.attempt,
    onFailure: err => log.warn({ err }, 'followers of services can not be told of their ends yet')
  })
  return { follow: input => followService(watch, tails, input) }
}

/** True when no more is written to the log of this attempt. */
export function hasAttemptEnded (state: Pick<ServiceState, 'status' | 'attempt'>, attempt: number): boolean {
  return attempt < state.attempt || state.status === 'backing_off' || !isLiveRow(state)
}

async function * followService (watch: RowWatch<ServiceState>, tails: LogTails, input: ServiceFollow): AsyncGenerator<LogEvent, void, void> {
  const { row: { id, status, attempt: current }, signal } = input
  const { notify, next } = createWakeUp()
  signal.addEventListener('abort', notify)
  const state = watch.follow(id, { id, status, attempt: current }, notify)
  const course: Course = { ...input, tails, state, notify, next }
  try {
    for (let place = input.place; ;) {
      yield * followAttempt(course, place)
      if (signal.aborted || !isLater(state, place.attempt)) break
      place = { attempt: place.attempt + 1, offset: 0 }
      yield { event: 'attempt', id: `${place.attempt}:0`, data: JSON.stringify({ attempt: place.attempt }) }
    }
    const result = signal.aborted ? null : await input.result()
    if (result !== null) yield { event: 'end', id: endEventId, data: JSON.stringify(result) }
  } finally {
    signal.removeEventListener('abort', notify)
    state.release()
  }
}

/** True when the service has been started again since. */
function isLater ({ state }: Followed<ServiceState>, attempt: number): boolean {
  return state !== null && state.attempt > attempt
}

/** True when the stream has to go on without this attempt: there is a later one, or the service is over. */
function isOver ({ state }: Followed<ServiceState>, attempt: number): boolean {
  return state === null || state.attempt > attempt || !isLiveRow(state)
}

async function * followAttempt (course: Course, { attempt, offset: begin }: LogPlace): AsyncGenerator<LogEvent, void, void> {
  const { tails, state, notify, next, pathOf, signal, redactor } = course
  const path = pathOf(attempt)
  let tail: LogTail | null = null
  try {
    for (let offset = begin; !signal.aborted;) {
      // Asked before the log is read: if it had ended then, everything is in the file.
      const over = isOver(state, attempt)
      tail ??= await tails.open(path, notify)
      if (tail !== null) {
        const ended = state.state === null || hasAttemptEnded(state.state, attempt)
        const kept = await readKept(tail, path, offset, pieceBytes)
        if (kept.offset !== offset) yield skipped(attempt, offset, kept.offset)
        const piece = maskedPiece(kept.bytes, redactor, ended && kept.bytes.length < pieceBytes)
        offset = kept.offset + piece.bytes
        if (piece.bytes > 0) yield text(attempt, kept.offset, offset, piece.content)
        if (piece.bytes > 0 && (kept.bytes.length === pieceBytes || piece.bytes < kept.bytes.length)) continue
      }
      if (over) return
      await next()
    }
  } finally {
    tail?.release()
  }
}

function text (attempt: number, offset: number, nextOffset: number, content: string): LogEvent {
  return { event: 'log', id: `${attempt}:${nextOffset}`, data: JSON.stringify({ attempt, offset, nextOffset, content }) }
}

/** `bytes` is null when the log was copied shorter: nobody knows then how much of what is gone was read. */
function skipped (attempt: number, from: number, to: number): LogEvent {
  return { event: 'skipped', id: `${attempt}:${to}`, data: JSON.stringify({ attempt, offset: from, nextOffset: to, bytes: to > from ? to - from : null }) }
}
