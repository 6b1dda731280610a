/** Reads a service's log as it may be shown: masked, over what was capped away, from any place. */
import { open, type FileHandle } from 'node:fs/promises'
import { pieceBytes, type LogStart } from '../operations/log-event.ts'
import { lookAroundBytes, maskedPiece, shiftOfStart } from '../operations/masked-piece.ts'
import type { Redactor } from '../operations/redact.ts'
import { keptFrom } from './log-file.ts'

/** What reading needs of an open log. */
export interface LogBytes {
  read (offset: number, maxBytes: number): Promise<{ bytes: Buffer, size: number }>
  size (): Promise<number>
}

export interface KeptBytes {
  bytes: Buffer
  /** Where they begin: later than asked for when that was capped away, 0 when the log was copied shorter. */
  offset: number
}

/**
 * At most `maxBytes` of what is kept from `offset` on. The file beside the log that says where text begins is only
 * read when there are zeros, for that is what a hole looks like.
 */
export async function readKept (log: LogBytes, path: string, offset: number, maxBytes: number): Promise<KeptBytes> {
  const { bytes, size } = await log.read(offset, maxBytes)
  const copiedShorter = bytes.length === 0 && size < offset
  if (!copiedShorter && !bytes.includes(0)) return { bytes, offset }
  const from = copiedShorter ? 0 : await keptFrom(path, await log.size())
  // A program may print zeros itself.
  if (from <= offset && !copiedShorter) return { bytes, offset }
  return { bytes: (await log.read(from, maxBytes)).bytes, offset: from }
}

/**
 * Where a reader begins that chose the place itself: not inside a secret or a character. With `tail`, where the next
 * line begins there. Null when there is no such log.
 */
export async function startOffset (path: string, { offset = 0, tail, hasEnded }: LogStart & Pick<PartRequest, 'hasEnded'>, redactor: Redactor): Promise<number | null> {
  return await withLog(path, async log => {
    const asked = tail === undefined ? offset : await tailStart(log, path, tail)
    return await safeStart(log, path, { offset: asked, hasEnded }, redactor)
  })
}

async function safeStart (log: LogBytes, path: string, { offset, hasEnded }: Pick<PartRequest, 'offset' | 'hasEnded'>, redactor: Redactor): Promise<number> {
  const size = await log.size()
  if (offset === 0 || offset > size) return offset
  const from = Math.max(await keptFrom(path, size), offset - lookAroundBytes)
  if (from >= offset) return offset
  const { bytes } = await log.read(from, offset - from + lookAroundBytes)
  return offset + shiftOfStart(bytes.subarray(0, offset - from), bytes.subarray(offset - from), redactor, hasEnded)
}

/** The first beginning of a line in the last `tailBytes`; where these begin when there is none. */
async function tailStart (log: LogBytes, path: string, tailBytes: number): Promise<number> {
  const size = await log.size()
  const at = Math.max(await keptFrom(path, size), size - tailBytes)
  if (at === 0 || at === size) return at
  const { bytes } = await log.read(at - 1, tailBytes + 1)
  return at + Math.max(0, bytes.indexOf(0x0A))
}

export interface LogPart {
  content: string
  /** Where it really begins. */
  offset: number
  nextOffset: number
  /** True when nothing follows for now. */
  isAll: boolean
}

export interface PartRequest {
  offset: number
  limitBytes: number
  /** Nothing more will be written. */
  hasEnded: boolean
}

/**
 * A part of a log, masked: about `limitBytes`, ending with a line if one ends there. A reader always gets on while
 * there is more: what has to be shown together is given together. Null when there is no such log.
 */
export async function readPart (path: string, { offset, limitBytes, hasEnded }: PartRequest, redactor: Redactor): Promise<LogPart | null> {
  return await withLog(path, async log => {
    const start = await safeStart(log, path, { offset, hasEnded }, redactor)
    // A character has up to 4 bytes.
    for (let maxBytes = Math.max(limitBytes, 4); ; maxBytes = pieceBytes) {
      const kept = await readKept(log, path, start, maxBytes)
      const rest = await log.size() - kept.offset
      const piece = maskedPiece(kept.bytes, redactor, hasEnded && kept.bytes.length >= rest)
      const mustReadMore = piece.bytes === 0 && kept.bytes.length < rest && maxBytes < pieceBytes
      if (!mustReadMore) return { content: piece.content, offset: kept.offset, nextOffset: kept.offset + piece.bytes, isAll: piece.bytes >= rest }
    }
  })
}

async function withLog<T> (path: string, look: (log: LogBytes) => Promise<T>): Promise<T | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    return await look(bytesOf(file))
  } finally {
    await file.close()
  }
}

function bytesOf (file: FileHandle): LogBytes {
  const size = async () => (await file.stat()).size
  return {
    size,
    async read (offset, maxBytes) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(maxBytes), 0, maxBytes, offset)
      return { bytes: buffer.subarray(0, bytesRead), size: bytesRead === 0 ? await size() : offset + bytesRead }
    }
  }
}
