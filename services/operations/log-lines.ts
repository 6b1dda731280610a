/** Reads whole lines of a log, from any place of it. */
import type { LogSource } from './log-source.ts'

/** Read at a time when a line's end is looked for beyond the limit; about a longest line. */
const stepBytes = 131_072
const lineFeed = 0x0a

export interface LogPart {
  /** Whole lines only. */
  content: string
  /** Where the next part begins, in bytes; where it will begin, when this is the end for now. */
  nextOffset: number
  /** True when no whole line follows for now. */
  atEnd: boolean
  /** Size of the log in bytes. */
  size: number
}

/** The first line's start at or after `offset`; `size` when none begins there. */
async function startOfLine (source: LogSource, offset: number, size: number): Promise<number> {
  if (offset === 0) return 0
  for (let position = offset - 1; position < size;) {
    const bytes = await source.read(position, Math.min(stepBytes, size - position))
    const at = bytes.indexOf(lineFeed)
    if (at >= 0) return position + at + 1
    if (bytes.length === 0) break
    position += bytes.length
  }
  return size
}

/** Whole lines from `start` on: at most `limitBytes`, but one line at least where there is one. */
async function wholeLines (source: LogSource, start: number, limitBytes: number, size: number): Promise<Buffer> {
  let bytes = await source.read(start, Math.min(limitBytes, size - start))
  const end = bytes.lastIndexOf(lineFeed)
  if (end >= 0) return bytes.subarray(0, end + 1)
  while (start + bytes.length < size) {
    const more = await source.read(start + bytes.length, Math.min(stepBytes, size - start - bytes.length))
    if (more.length === 0) break
    const at = more.indexOf(lineFeed)
    bytes = Buffer.concat([bytes, at >= 0 ? more.subarray(0, at + 1) : more])
    if (at >= 0) return bytes
  }
  return Buffer.alloc(0)
}

/** Whole lines from `offset` (bytes) on; an offset inside a line goes on at the next one. */
export async function readLines (source: LogSource, { offset, limitBytes }: { offset: number, limitBytes: number }): Promise<LogPart> {
  const size = await source.size()
  const start = await startOfLine(source, Math.min(offset, size), size)
  const lines = await wholeLines(source, start, limitBytes, size)
  const nextOffset = start + lines.length
  // Nothing given means that only a torn line can follow.
  return { content: lines.toString(), nextOffset, atEnd: nextOffset >= size || lines.length === 0, size }
}

/** Where the last whole line ends, in bytes. */
export async function endOfLines (source: LogSource, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - stepBytes)
    const at = (await source.read(from, end - from)).lastIndexOf(lineFeed)
    if (at >= 0) return from + at + 1
    end = from
  }
  return 0
}
