/** Reads whole NDJSON lines from a file that grows. */
import { pieceBytes, type LogStart } from './log-event.ts'
import type { LogTail } from './log-tail.ts'

export interface TailLines {
  /** The lines as the items of a JSON array; '' when there are none. */
  json: string
  /** What they take in the file. */
  bytes: number
  /** True when no whole line followed them. */
  isAll: boolean
}

const lineFeed = 0x0A

/** Whole lines from `offset` on: about 32 KiB of them, or one that is longer. */
export async function wholeLines (tail: LogTail, offset: number): Promise<TailLines> {
  for (let maxBytes = pieceBytes; ; maxBytes *= 4) {
    const { bytes } = await tail.read(offset, maxBytes)
    const end = bytes.lastIndexOf(lineFeed) + 1
    const isAll = bytes.length < maxBytes
    if (end > 0) return { json: bytes.toString('utf8', 0, end - 1).replaceAll('\n', ','), bytes: end, isAll }
    if (isAll) return { json: '', bytes: 0, isAll }
  }
}

/** Where the first line begins that begins at the place or after it; the unfinished last one counts when none follows. */
export async function lineStart (tail: LogTail, { offset = 0, tail: tailBytes }: LogStart): Promise<number> {
  const size = await tail.size()
  const asked = tailBytes === undefined ? Math.min(offset, size) : Math.max(0, size - tailBytes)
  if (asked === 0) return 0
  for (let at = asked - 1; ;) {
    const { bytes } = await tail.read(at, pieceBytes)
    if (bytes.length === 0) return await unfinishedLine(tail, asked)
    const end = bytes.indexOf(lineFeed)
    if (end >= 0) return at + end + 1
    at += bytes.length
  }
}

/** Where the line begins that `end` lies in. */
async function unfinishedLine (tail: LogTail, end: number): Promise<number> {
  for (let to = end; to > 0;) {
    const from = Math.max(0, to - pieceBytes)
    const { bytes } = await tail.read(from, to - from)
    const at = bytes.lastIndexOf(lineFeed)
    if (at >= 0) return from + at + 1
    to = from
  }
  return 0
}
