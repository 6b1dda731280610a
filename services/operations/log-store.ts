/** Keeps operation logs as files under the data dir: opened for live appending, read in whole lines, compressed at last. */
import { createReadStream } from 'node:fs'
import { access, rm, truncate } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createAppendFile } from './append-file.ts'
import { createAppendQueue } from './append-queue.ts'
import { compressLog, newPath } from './log-compression.ts'
import { compressedPath, openLogSource } from './log-source.ts'
import { endOfLines, readLines, type LogPart } from './log-lines.ts'
import { createLogWriter, type OperationLogWriter } from './log-writer.ts'
import type { Redactor } from './redact.ts'

/** The name of this store, for `workspace_operations.log_store`. */
export const localFileStore = 'local_file'

export interface LogStore {
  readonly name: typeof localFileStore
  /** The reference under which an operation's log is kept, relative to the store. */
  refOf (operationId: string): string
  /** The file of a log, for following it; of a compressed one where it lay before. Throws TypeError when the reference is none of this store. */
  pathOf (logRef: string): string
  /** True when there is such a log. */
  exists (logRef: string): Promise<boolean>
  /** Makes the log of an operation, empty; it can be read from then on. */
  open (operationId: string): Promise<OperationLogWriter>
  /**
   * Whole lines from `offset` (bytes) on, about `limitBytes` of them at most: one line longer than that is given whole,
   * so that a reader always gets on. An offset inside a line goes on at the next line. Null when there is no such log.
   */
  read (logRef: string, part: { offset: number, limitBytes: number }): Promise<LogPart | null>
  /** Ends a log whose writer died: cuts off a torn last line, counts and hashes. Null when there is no such log. */
  seal (logRef: string): Promise<{ bytes: number, sha256: string } | null>
  /**
   * Compresses a log that has ended; reading it stays the same, also meanwhile. May be cut off at any moment and done
   * again. False when there is no such log. Throws when the content is not what it was at its end, or the disk is full.
   * @param sha256 of the content, hex
   */
  compress (logRef: string, sha256: string, signal: AbortSignal): Promise<boolean>
  remove (logRef: string): Promise<void>
}

export type { LogPart } from './log-lines.ts'

interface StoreOptions {
  dataDir: string
  /** Bytes one log may have. */
  maxBytes: number
  redactor: Redactor
  now?: () => Date
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
    const source = await openLogSource(path)
    if (source === null) return null
    try {
      const size = await source.size()
      const bytes = await endOfLines(source, size)
      if (bytes < size) await truncate(path, bytes)
      const hash = createHash('sha256')
      if (bytes > 0) for await (const chunk of createReadStream(path, { end: bytes - 1 })) hash.update(chunk)
      return { bytes, sha256: hash.digest('hex') }
    } finally {
      await source.close()
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
      return createLogWriter({ logRef, queue: createAppendQueue(await createAppendFile(path)), redactor, maxBytes, now })
    },
    async read (logRef, part) {
      const source = await openLogSource(pathOf(logRef))
      if (source === null) return null
      try {
        return await readLines(source, part)
      } finally {
        await source.close()
      }
    },
    async exists (logRef) {
      const isThere = async (path: string): Promise<boolean> => await access(path).then(() => true, () => false)
      return await isThere(pathOf(logRef)) || await isThere(compressedPath(pathOf(logRef)))
    },
    compress: async (logRef, sha256, signal) => await compressLog(pathOf(logRef), sha256, signal),
    async remove (logRef) {
      const path = pathOf(logRef)
      // The compressed one last: as long as it is there, a compression that was cut off has its result.
      for (const one of [path, newPath(path), compressedPath(path)]) await rm(one, { force: true })
    }
  }
}
