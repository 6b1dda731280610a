/** One growing file and its many readers: each reads at its own pace, and all are told when it grows. */
import { watch, type FSWatcher } from 'node:fs'
import { openLogSource, type LogSource } from './log-source.ts'

export interface TailRead {
  /** Shared with other readers of the same place: not to be written into. Empty at the end. */
  bytes: Buffer
  /** Bytes the file has at least; exactly, when `bytes` is empty. */
  size: number
}

/** A reader's share in a file. */
export interface LogTail {
  /** At most `maxBytes` from `offset` on, straight from the file: a slow reader holds nothing up. */
  read (offset: number, maxBytes: number): Promise<TailRead>
  /** Bytes of the file now. */
  size (): Promise<number>
  /** Gives the share up; the last one closes the file and its watch. */
  release (): void
}

export interface LogTails {
  /**
   * Opens the file, or shares it when it is open already. Null when there is none.
   * @param onChange called whenever the file may have changed, some 100 times a second at most
   */
  open (path: string, onChange: () => void): Promise<LogTail | null>
  /** How many files are open now. */
  readonly openFiles: number
}

/** Of a file that is written without a pause readers are told this often: a line is late by no more, and costs less. */
const changeGapMs = 10
/** The kernel tells of every write; this look is for what it may miss, such as an overflow of its queue. */
const watchedLookMs = 2_000
/** Where the kernel can't tell (no watches left, a file system without them), looking is all there is. */
const unwatchedLookMs = 25

interface SharedFile {
  source: LogSource
  listeners: Set<() => void>
  reads: Map<string, Promise<TailRead>>
  close (): void
}

interface Entry {
  users: number
  shared: Promise<SharedFile | null>
}

/** The open files of this process, each with one handle, one watch and one timer, however many read it. */
export function createLogTails (): LogTails {
  const files = new Map<string, Entry>()

  function leave (path: string, entry: Entry): void {
    entry.users--
    if (entry.users > 0) return
    files.delete(path)
    entry.shared.then(shared => shared?.close(), () => { /* Whoever opened it was told. */ })
  }

  async function join (path: string): Promise<{ shared: SharedFile | null, entry: Entry }> {
    const entry = files.get(path) ?? { users: 0, shared: openShared(path) }
    files.set(path, entry)
    entry.users++
    try {
      return { shared: await entry.shared, entry }
    } catch (error) {
      leave(path, entry)
      throw error
    }
  }

  return {
    get openFiles () { return files.size },
    async open (path, onChange) {
      const { shared, entry } = await join(path)
      if (shared === null) {
        leave(path, entry)
        return null
      }
      // A function of its own for each share, so that the same `onChange` may be given twice.
      const listener = () => onChange()
      shared.listeners.add(listener)
      return {
        read: async (offset, maxBytes) => await sharedRead(shared, offset, maxBytes),
        size: async () => await shared.source.size(),
        release () { if (shared.listeners.delete(listener)) leave(path, entry) }
      }
    }
  }
}

async function openShared (path: string): Promise<SharedFile | null> {
  const source = await openLogSource(path)
  if (source === null) return null
  const listeners = new Set<() => void>()
  const reads = new Map<string, Promise<TailRead>>()
  const stop = source.isCompressed
    ? () => { /* Nothing is written to it any more. */ }
    : watchFile(path, source, () => {
      // A read that began before the change must not be given to who asks after it.
      reads.clear()
      for (const listener of [...listeners]) listener()
    })
  const close = () => {
    stop()
    source.close().catch(() => { /* It was only read. */ })
  }
  return { source, listeners, reads, close }
}

/** Calls `onChange` at once after a quiet time, else every `changeGapMs` while it changes. Gives the function that ends it. */
function watchFile (path: string, source: LogSource, onChange: () => void): () => void {
  let lastAt = 0
  let due: NodeJS.Timeout | null = null
  const tell = () => {
    due = null
    lastAt = performance.now()
    onChange()
  }
  const changed = () => { due ??= setTimeout(tell, Math.max(0, Math.ceil(lastAt + changeGapMs - performance.now()))) }

  let lastSize = -1
  const look = () => {
    source.size().then(size => {
      if (size !== lastSize) changed()
      lastSize = size
    }).catch(() => { /* It was closed meanwhile. */ })
  }
  let timer = setInterval(look, watchedLookMs).unref()
  const watcher = watchOrNull(path, changed, () => {
    clearInterval(timer)
    timer = setInterval(look, unwatchedLookMs).unref()
  })
  return () => {
    watcher?.close()
    clearInterval(timer)
    if (due !== null) clearTimeout(due)
  }
}

function watchOrNull (path: string, changed: () => void, onFailure: () => void): FSWatcher | null {
  try {
    return watch(path, { persistent: false }, changed).on('error', onFailure)
  } catch {
    // ENOSPC or EMFILE: the user's watches are used up; looking takes their place.
    onFailure()
    return null
  }
}

async function sharedRead (shared: SharedFile, offset: number, maxBytes: number): Promise<TailRead> {
  const { reads, source } = shared
  const key = `${offset}:${maxBytes}`
  const reading = reads.get(key) ?? readOnce(source, offset, maxBytes).finally(() => {
    if (reads.get(key) === reading) reads.delete(key)
  })
  reads.set(key, reading)
  return await reading
}

async function readOnce (source: LogSource, offset: number, maxBytes: number): Promise<TailRead> {
  const read = await source.read(offset, maxBytes)
  if (read.length === 0) return { bytes: read, size: await source.size() }
  // What is kept for a while must not hold the whole of a large buffer.
  const bytes = read.length < maxBytes / 2 ? Buffer.from(read) : read
  return { bytes, size: offset + read.length }
}
