/** Writes one operation's log as its output comes: decoded, masked, cut into lines, capped, with the last of each stream kept. */
import type { LogStream } from '../../openapi/schemas/operation.ts'
import type { AppendQueue } from './append-queue.ts'
import { createCappedLines } from './capped-lines.ts'
import { createMaskedOutput } from './masked-output.ts'
import type { Environment, Redactor } from './redact.ts'

export type OutputStream = Exclude<LogStream, 'system'>

export interface LogSummary {
  /** Size of the log in bytes. */
  bytes: number
  /** SHA-256 of the log, hex. */
  sha256: string
  /** The last 4,096 characters of each stream, masked; null when it printed nothing. */
  stdoutExcerpt: string | null
  stderrExcerpt: string | null
  /** True when output was left out because the log was full. */
  capped: boolean
  /** Why the log is incomplete, if a write failed. */
  failure: Error | null
}

export interface OperationLogWriter {
  /** Where the log is, for `workspace_operations.log_ref`. */
  readonly logRef: string
  /** Takes output; a producer that awaits it is slowed down to what the disk takes. Never rejects. */
  write (stream: LogStream, chunk: Buffer | string): Promise<void>
  /** A line of the service's own, masked as well. */
  system (text: string): void
  /** Masks the secrets of this environment too, from now on. */
  addSecrets (env: Environment): void
  /** The text with the secrets masked that are masked in the log. */
  mask (text: string): string
  /** The last 4,096 characters so far, masked; null when nothing came. */
  excerpt (stream: OutputStream): string | null
  /** Writes what was held back, closes the file. A second call gives the first one's answer. */
  close (): Promise<LogSummary>
}

interface WriterOptions {
  logRef: string
  queue: AppendQueue
  redactor: Redactor
  /** Bytes the log may have. */
  maxBytes: number
  now: () => Date
}

/** A writer over an open, empty log; made by the log store. */
export function createLogWriter ({ logRef, queue, redactor: firstRedactor, maxBytes, now }: WriterOptions): OperationLogWriter {
  const outputs = { stdout: createMaskedOutput(), stderr: createMaskedOutput() }
  const lines = createCappedLines({ add: (line) => queue.add(line), maxBytes, now })
  let redactor = firstRedactor
  let closing: Promise<LogSummary> | null = null

  async function finish (): Promise<LogSummary> {
    lines.put('stdout', outputs.stdout.flush(redactor))
    lines.put('stderr', outputs.stderr.flush(redactor))
    const written = await queue.close()
    return { ...written, capped: lines.capped, stdoutExcerpt: outputs.stdout.excerpt(), stderrExcerpt: outputs.stderr.excerpt() }
  }

  return {
    logRef,
    async write (stream, chunk) {
      if (closing !== null) return
      lines.put(stream, stream === 'system' ? redactor.mask(chunk.toString()) : outputs[stream].take(chunk, redactor))
      await queue.room()
    },
    system (text) {
      if (closing === null) lines.put('system', redactor.mask(text.endsWith('\n') ? text : `${text}\n`))
    },
    addSecrets (env) {
      redactor = redactor.with(env)
    },
    mask: text => redactor.mask(text),
    excerpt: (stream) => outputs[stream].excerpt(),
    async close () {
      closing ??= finish()
      return await closing
    }
  }
}
