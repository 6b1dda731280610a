/** One line of an operation's log: how it is written, how text is cut to fit. */
import type { LogStream } from '../../openapi/schemas/operation.ts'

/** Text of one line at most, in UTF-16 units; what is longer becomes several lines. Bounds the longest line to about 100 KB. */
export const maxChunkChars = 16_384

export interface LogLine {
  ts: string
  stream: LogStream
  chunk: string
}

/** The line with its line feed, as it stands in the file. */
export function encodeLine (line: LogLine): Buffer {
  return Buffer.from(`${JSON.stringify(line)}\n`)
}

function isHighSurrogate (unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** `text.slice(0, length)`, one shorter where that would cut a surrogate pair. */
export function headOf (text: string, length: number): string {
  if (length >= text.length) return text
  return text.slice(0, isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length)
}

/** Cuts text into pieces that fit a line each, never through a surrogate pair. */
export function * piecesOf (text: string): Generator<string> {
  for (let rest = text; rest !== '';) {
    const piece = headOf(rest, maxChunkChars)
    yield piece
    rest = rest.slice(piece.length)
  }
}

/** The longest head of the line that fits `maxBytes`, encoded; null when not even some text of it does. */
export function encodeWhatFits (line: LogLine, maxBytes: number): Buffer | null {
  for (let chunk = line.chunk; chunk !== '';) {
    const encoded = encodeLine({ ...line, chunk })
    if (encoded.length <= maxBytes) return encoded
    // Each turn takes away at least the bytes too many, measured at six bytes a unit (`\u0000`), the most one unit costs.
    chunk = headOf(chunk, Math.max(0, chunk.length - Math.ceil((encoded.length - maxBytes) / 6)))
  }
  return null
}
