/** Cuts raw bytes of a log into masked text, never through a character or a secret, and knows which bytes were used. */
import { pieceBytes } from './log-event.ts'
import type { Redactor } from './redact.ts'
import { bytesOfHead, wholeCharacters } from './utf8.ts'

export interface MaskedPiece {
  content: string
  /** How many of the bytes `content` tells; the rest waits for what follows. */
  bytes: number
}

/** This much text before and after a place tells whether a secret lies across it. */
export const lookAroundBytes = 8192

/**
 * The text that can be shown now: whole lines where there are any, else what there is of a line. What may be the
 * beginning of a secret or of a character waits; in more than 32 KiB at once something can always be shown.
 * @param isLast nothing will follow: all is shown
 */
export function maskedPiece (bytes: Buffer, redactor: Redactor, isLast: boolean): MaskedPiece {
  const lines = bytes.subarray(0, bytes.lastIndexOf(0x0A) + 1)
  const whole = headOf(lines, redactor, false)
  if (whole.bytes > 0) return whole
  return headOf(isLast ? bytes : bytes.subarray(0, wholeCharacters(bytes)), redactor, isLast)
}

function headOf (bytes: Buffer, redactor: Redactor, all: boolean): MaskedPiece {
  const text = bytes.toString('utf8')
  const safe = all ? text.length : redactor.safeLength(text)
  // A reader gives no more than this at once, and must get on.
  const chars = safe === 0 && bytes.length >= pieceBytes ? text.length : safe
  return { content: redactor.mask(text.slice(0, chars)), bytes: bytesOfHead(bytes, text, chars) }
}

/**
 * Where showing may begin, for somebody who asks for a place of their own choice: there, unless that is inside a
 * character or a secret; then behind it, or before it when its end may still come. Every place where a piece of
 * ours ended is fine as it is.
 * @param before the bytes before the place
 * @param after the bytes from the place on
 * @param isLast nothing will follow them
 * @returns by how many bytes the beginning differs from the place
 */
export function shiftOfStart (before: Buffer, after: Buffer, redactor: Redactor, isLast: boolean): number {
  const skipped = wholeCharacters(before) < before.length ? continuationBytes(after) : 0
  const rest = after.subarray(skipped)
  const [head, tail] = [before.toString('utf8'), rest.toString('utf8')]
  const end = redactor.endAcross(head + tail, head.length)
  if (end > head.length) return skipped + bytesOfHead(rest, tail, end - head.length)
  const open = isLast ? head.length : redactor.safeLength(head + tail)
  return open < head.length ? bytesOfHead(before, head, open) - before.length : skipped
}

function continuationBytes (bytes: Buffer): number {
  let count = 0
  while (count < 3 && ((bytes[count] ?? 0) & 0xC0) === 0x80) count++
  return count
}
