/** Text to NDJSON lines, up to a number of bytes; beyond it one marker line says so, and output is dropped. */
import type { LogStream } from '../../openapi/schemas/operation.ts'
import { encodeLine, encodeWhatFits, piecesOf } from './log-line.ts'

/** Kept free of output, so that the marker and what the service itself has to say still fit a full log. */
const maxReserveBytes = 4096

export interface CappedLines {
  put (stream: LogStream, text: string): void
  /** True once output was left out. */
  readonly capped: boolean
}

export interface CappedLinesOptions {
  /** Takes each encoded line, in order. */
  add: (line: Buffer) => void
  /** Bytes of all lines together. */
  maxBytes: number
  now: () => Date
}

export function createCappedLines ({ add, maxBytes, now }: CappedLinesOptions): CappedLines {
  const outputBytes = maxBytes - Math.min(maxReserveBytes, Math.floor(maxBytes / 2))
  let usedBytes = 0
  let capped = false

  function addLine (bytes: Buffer): void {
    usedBytes += bytes.length
    add(bytes)
  }

  function putSystem (text: string): void {
    for (const chunk of piecesOf(text)) {
      const line = encodeWhatFits({ ts: now().toISOString(), stream: 'system', chunk }, maxBytes - usedBytes)
      if (line !== null) addLine(line)
    }
  }

  function putOutput (stream: LogStream, text: string): void {
    for (const chunk of piecesOf(text)) {
      if (capped) break
      const line = { ts: now().toISOString(), stream, chunk }
      const whole = encodeLine(line)
      capped = usedBytes + whole.length > outputBytes
      const bytes = capped ? encodeWhatFits(line, outputBytes - usedBytes) : whole
      if (bytes !== null) addLine(bytes)
    }
    if (capped) putSystem(`The log has reached its limit of ${maxBytes} bytes: what the command prints from here on is not kept.\n`)
  }

  return {
    put (stream, text) {
      if (stream === 'system') putSystem(text)
      else if (!capped) putOutput(stream, text)
    },
    get capped () { return capped }
  }
}
