/** Appends to a file in order, one write at a time, with back-pressure, counting and hashing what has been written. */
import { createHash } from 'node:crypto'

/** A file that is only appended to; of `FileHandle` what is needed here. */
export interface AppendFile {
  /** Appends what stands from `offset` on, or a first part of it. */
  write (bytes: Buffer, offset: number): Promise<{ bytesWritten: number }>
  truncate (bytes: number): Promise<void>
  close (): Promise<void>
}

/** Beyond this many bytes waiting to be written, `room()` makes the caller wait. */
const highWaterBytes = 1_048_576

export interface AppendQueue {
  /** Takes the bytes; they reach the file in the order of the calls, at once when it is idle. */
  add (bytes: Buffer): void
  /** Resolves when there is room for more. Never rejects. */
  room (): Promise<void>
  /** Resolves when everything added so far is in the file, or a write has failed. */
  drained (): Promise<void>
  /** Waits for the rest and closes the file. */
  close (): Promise<AppendSummary>
}

export interface AppendSummary {
  bytes: number
  sha256: string
  /** The write that failed; nothing after it was kept. */
  failure: Error | null
}

async function writeAll (file: AppendFile, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten
}

/** @param file opened for appending to an empty file; the queue closes it. */
export function createAppendQueue (file: AppendFile): AppendQueue {
  const hash = createHash('sha256')
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let writtenBytes = 0
  let failure: Error | null = null
  let writing: Promise<void> | null = null
  let summary: Promise<AppendSummary> | null = null

  async function writeWaiting (): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.length === 1 && waiting[0] !== undefined ? waiting[0] : Buffer.concat(waiting)
      waiting = []
      waitingBytes = 0
      try {
        if (failure === null) await writeAll(file, batch)
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
        // A torn batch would not match the count and the hash; the failure is reported by close().
        await file.truncate(writtenBytes).catch(() => {})
      }
      if (failure !== null) continue
      hash.update(batch)
      writtenBytes += batch.length
    }
    writing = null
  }

  const whileFull = (): Promise<void> | null => waitingBytes > highWaterBytes ? writing : null

  async function finish (): Promise<AppendSummary> {
    await writing
    await file.close()
    return { bytes: writtenBytes, sha256: hash.digest('hex'), failure }
  }

  return {
    add (bytes) {
      if (failure !== null || summary !== null) return
      waiting.push(bytes)
      waitingBytes += bytes.length
      writing ??= writeWaiting()
    },
    async room () {
      for (let full = whileFull(); full !== null; full = whileFull()) await full
    },
    async drained () {
      await writing
    },
    async close () {
      summary ??= finish()
      return await summary
    }
  }
}
