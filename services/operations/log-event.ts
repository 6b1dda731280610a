/** What a follower of a log is sent, and where it may begin. */

/** One server-sent event. */
export interface LogEvent {
  event: 'log' | 'skipped' | 'attempt' | 'end'
  /** A client that gives it back as `Last-Event-ID` is sent what comes after this event. */
  id: string
  /** JSON text. */
  data: string
}

/**
 * Begins to follow: events are made as they are asked for, so a reader that does not ask costs nothing. They end with
 * `end`, or without it when the signal aborts or what is followed is gone.
 */
export type LogFollow = (signal: AbortSignal) => AsyncGenerator<LogEvent, void, void>

/** The id of the `end` event: who comes back with it has everything. */
export const endEventId = 'end'

/** Bytes of a log that one event is made of, about: bounds what is held for a slow reader. */
export const pieceBytes = 32_768

/** Where to begin: at `offset` (0) bytes, or about `tail` bytes before the end. */
export interface LogStart {
  offset?: number | undefined
  tail?: number | undefined
}

/** Bytes of a log given in one answer when the client does not say. */
export const defaultLimitBytes = 256_000
