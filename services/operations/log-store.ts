/** Keeps operation logs as files under the data dir: opened for live appending, read in whole lines. */
import { createReadStream } from 'node:fs'
import { open, rm, truncate, type FileHandle } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { inFolder } from '../process/in-folder.ts'
import { createAppendQueue } from './append-queue.ts'
import { createLogWriter, type OperationLogWriter } from './log-writer.ts'
import type { Redactor } from './redact.ts'

/** The name of this store, for `workspace_operations.log_store`. */
export const localFileStore = 'local_file'

/** Read at a time when a line's end is looked for beyond the limit; about a longest line. */
const stepBytes = 131_072

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

export interface LogStore {
  readonly name: typeof localFileStore
  /** The reference under which an operation's log is kept, relative to the store. */
  refOf (operationId: string): string
  /** The file of a log, for following it. Throws TypeError when the reference is none of this store. */
  pathOf (logRef: string): string
  /** Makes the log of an operation, empty; it can be read from then on. */
  open (operationId: string): Promise<OperationLogWriter>
  /**
   * Whole lines from `offset` (bytes) on, about `limitBytes` of them at most: one line longer than that is given whole,
   * so that a reader always gets on. An offset inside a line goes on at the next line. Null when there is no such log.
   */
  read (logRef: string, part: { offset: number, limitBytes: number }): Promise<LogPart | null>
  /** Ends a log whose writer died: cuts off a torn last line, counts and hashes. Null when there is no such log. */
  seal (logRef: string): Promise<{ bytes: number, sha256: string } | null>
  remove (logRef: string): Promise<void>
}

interface StoreOptions {
  dataDir: string
  /** Bytes one log may have. */
  maxBytes: number
  redactor: Redactor
  now?: () => Date
}

function isMissing (error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

async function openOrNull (path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Up to `length` bytes from `position` on; fewer at the end of the file. */
async function readAt (file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

const lineFeed = 0x0a

/** The first line's start at or after `offset`; `size` when none begins there. */
async function startOfLine (file: FileHandle, offset: number, size: number): Promise<number> {
  if (offset === 0) return 0
  for (let position = offset - 1; position < size;) {
    const bytes = await readAt(file, position, Math.min(stepBytes, size - position))
    const at = bytes.indexOf(lineFeed)
    if (at >= 0) return position + at + 1
    if (bytes.length === 0) break
    position += bytes.length
  }
  return size
}

/** Whole lines from `start` on: at most `limitBytes`, but one line at least where there is one. */
async function wholeLines (file: FileHandle, start: number, limitBytes: number, size: number): Promise<Buffer> {
  let bytes = await readAt(file, start, Math.min(limitBytes, size - start))
  const end = bytes.lastIndexOf(lineFeed)
  if (end >= 0) return bytes.subarray(0, end + 1)
  while (start + bytes.length < size) {
    const more = await readAt(file, start + bytes.length, Math.min(stepBytes, size - start - bytes.length))
    if (more.length === 0) break
    const at = more.indexOf(lineFeed)
    bytes = Buffer.concat([bytes, at >= 0 ? more.subarray(0, at + 1) : more])
    if (at >= 0) return bytes
  }
  return Buffer.alloc(0)
}

async function readPart (file: FileHandle, { offset, limitBytes }: { offset: number, limitBytes: number }): Promise<LogPart> {
  const { size } = await file.stat()
  const start = await startOfLine(file, Math.min(offset, size), size)
  const lines = await wholeLines(file, start, limitBytes, size)
  const nextOffset = start + lines.length
  // Nothing given means that only a torn line can follow.
  return { content: lines.toString(), nextOffset, atEnd: nextOffset >= size || lines.length === 0, size }
}

/** Where the last whole line ends, in bytes. */
async function endOfLines (file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - stepBytes)
    const at = (await readAt(file, from, end - from)).lastIndexOf(lineFeed)
    if (at >= 0) return from + at + 1
    end = from
  }
  return 0
}

/** @returns the store of `<dataDir>/logs`. */
export function createLogStore ({ dataDir, maxBytes, redactor, now = () => new Date() }: StoreOptions): LogStore {
  const root = join(dataDir, 'logs')

  function pathOf (logRef: string): string {
    // References come from our own rows; a row that was tampered with must not read other files.
    if (!/^operations\/[0-9a-f]{2}\/[0-9a-f-]{36}\.ndjson$/.test(logRef)) throw new TypeError(`not a log reference: ${logRef}`)
    return join(root, logRef)
  }

  const refOf = (operationId: string): string => `operations/${operationId.slice(0, 2)}/${operationId}.ndjson`

  async function seal (logRef: string): Promise<{ bytes: number, sha256: string } | null> {
    const path = pathOf(logRef)
    const file = await openOrNull(path)
    if (file === null) return null
    try {
      const { size } = await file.stat()
      const bytes = await endOfLines(file, size)
      if (bytes < size) await truncate(path, bytes)
      const hash = createHash('sha256')
      if (bytes > 0) for await (const chunk of createReadStream(path, { end: bytes - 1 })) hash.update(chunk)
      return { bytes, sha256: hash.digest('hex') }
    } finally {
      await file.close()
    }
  }

  return {
    name: localFileStore,
    refOf,
    pathOf,
    seal,
    async open (operationId) {
      const logRef = refOf(operationId)
      const path = pathOf(logRef)
      // Exclusive: two writers on one log would break its count and hash.
      const file = await inFolder(path, async () => await open(path, 'ax', 0o600))
      return createLogWriter({ logRef, queue: createAppendQueue(file), redactor, maxBytes, now })
    },
    async read (logRef, part) {
      const file = await openOrNull(pathOf(logRef))
      if (file === null) return null
      try {
        return await readPart(file, part)
      } finally {
        await file.close()
      }
    },
    async remove (logRef) {
      await rm(pathOf(logRef), { force: true })
    }
  }
}
