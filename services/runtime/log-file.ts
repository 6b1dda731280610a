/** A service's log: appended to by the kernel, capped without stopping the writer, read over the hole that leaves. */
import { execFile } from 'node:child_process'
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { readFully } from '../operations/file-bytes.ts'
import { wholeCharacters } from '../operations/utf8.ts'
import { inFolder } from '../process/in-folder.ts'

export interface CapResult {
  /** `hole`: the head's blocks were given back, offsets stay. `copy`: the tail was copied to the head. */
  method: 'none' | 'hole' | 'copy'
  /** Where the kept text begins, in bytes of the file; 0 where that was not looked up, since all of it is small enough. */
  from: number
}

/** A piece of a log, cut between lines where it can be. */
export interface LogPiece {
  content: string
  /** Where `content` really begins: later than asked for when that was capped away. */
  offset: number
  nextOffset: number
  size: number
}

/** Holes are made of whole blocks. */
const blockBytes = 4096
const defaultTailBytes = 64 * 1024
const run = promisify(execFile)

/**
 * Makes sure that the log exists and can be written, readable for this user only.
 * Gives its size: where the lines of the next start will begin.
 */
export async function openServiceLog (path: string): Promise<{ path: string, fromByte: number }> {
  // In one breath, as its process will open it: three ways to a thread and back would take many times as long.
  const file = await inFolder(path, () => openSync(path, 'a', 0o600))
  try {
    return { path, fromByte: fstatSync(file).size }
  } finally {
    closeSync(file)
  }
}

/** Of a service that is restarted again and again, so many attempts keep their logs. */
const keptAttempts = 10

/** Removes the log of the attempt that is too old to be kept, if there is one. */
export async function removeOldLog (pathOf: (attempt: number) => string, attempt: number): Promise<void> {
  const old = attempt - keptAttempts
  if (old < 1) return
  await rm(pathOf(old), { force: true })
  await rm(`${pathOf(old)}.from`, { force: true })
}

/**
 * Whether there is anything for `capLog` to look at: false for a log that was never longer than `maxBytes`. Looked at in the
 * same breath, since most logs are short: that takes some 3 µs, and handing it to a thread twenty times as much.
 */
export function mayBeOver (path: string, maxBytes: number): boolean {
  try {
    return statSync(path).size > maxBytes
  } catch {
    // Whoever caps it meets what is wrong, and tells it.
    return true
  }
}

/**
 * Keeps a log below `maxBytes` on disk: when it is over, all but about its last half of that goes, from a line's
 * beginning. The writer goes on meanwhile, with its file opened for appending. No line is lost where the file
 * system can make holes (Linux, util-linux's `fallocate`); else what is written during the copy may be.
 */
export async function capLog (path: string, maxBytes: number): Promise<CapResult> {
  const { size } = await stat(path)
  if (size <= maxBytes) return { method: 'none', from: 0 }
  const from = await keptFrom(path, size)
  if (size - from <= maxBytes) return { method: 'none', from }
  const next = await lineStart(path, size - Math.floor(maxBytes / 2), size)
  try {
    // The mark first: a reader must never take the hole for text.
    await writeKeptFrom(path, next)
    const hole = Math.floor(next / blockBytes) * blockBytes
    if (hole > 0) await run('fallocate', ['--punch-hole', '--offset', '0', '--length', String(hole), path])
    return { method: 'hole', from: next }
  } catch {
    // No such program, or a file system without holes: copying is the way that always works.
    return await copyTail(path, next)
  }
}

/** The last `count` lines, oldest first; at most `maxBytes` of them, none from before `fromByte`. */
export async function readLastLines (path: string, count: number, { fromByte = 0, maxBytes = defaultTailBytes } = {}): Promise<string[]> {
  const size = await sizeOf(path)
  const kept = Math.max(await keptFrom(path, size), fromByte <= size ? fromByte : 0)
  const from = Math.max(kept, size - maxBytes)
  const lines = (await readBytes(path, from, size)).toString('utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  // The first one is whole only where text really begins.
  if (from > kept && lines.length > 1) lines.shift()
  return count > 0 ? lines.slice(-count) : []
}

/**
 * At most `limitBytes` from `offset` on (later, if that was capped away), ending with a line if one ends there.
 * An offset beyond the end of a log that was copied shorter begins again at its head.
 */
export async function readLog (path: string, { offset, limitBytes }: { offset: number, limitBytes: number }): Promise<LogPiece> {
  const size = await sizeOf(path)
  const from = Math.max(offset <= size ? offset : 0, await keptFrom(path, size))
  const bytes = await readBytes(path, from, Math.min(size, from + limitBytes))
  // What is no text must not stop a reader, so a lone half of a character is given as it is.
  const end = bytes.lastIndexOf(0x0A) + 1 || wholeCharacters(bytes) || bytes.length
  return { content: bytes.subarray(0, end).toString('utf8'), offset: from, nextOffset: from + end, size }
}

/** What was written while the tail is copied is lost: a file opened for appending can't be swapped under its writer. */
async function copyTail (path: string, next: number): Promise<CapResult> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const tail = await readFully(file, next, size - next)
    await file.truncate(0)
    await writeKeptFrom(path, 0)
    const appending = await open(path, 'a')
    await appending.writeFile(tail).finally(async () => await appending.close())
    return { method: 'copy', from: 0 }
  } finally {
    await file.close()
  }
}

/** The beginning of the first line at or after `at`; `at` itself when no line ends there. */
async function lineStart (path: string, at: number, size: number): Promise<number> {
  const lineEnd = (await readBytes(path, at - 1, Math.min(size, at + defaultTailBytes))).indexOf(0x0A)
  return lineEnd === -1 ? at : at + lineEnd
}

/** A file beside the log says where its text begins: a hole reads as zeros, and may be large. */
export async function keptFrom (path: string, size: number): Promise<number> {
  const text = await readFile(`${path}.from`, 'utf8').catch(() => '0')
  const from = Number(text)
  return Number.isSafeInteger(from) && from > 0 && from <= size ? from : 0
}

async function writeKeptFrom (path: string, from: number): Promise<void> {
  await writeFile(`${path}.from.new`, String(from), { mode: 0o600 })
  await rename(`${path}.from.new`, `${path}.from`)
}

async function sizeOf (path: string): Promise<number> {
  return await stat(path).then(({ size }) => size, () => 0)
}

async function readBytes (path: string, from: number, to: number): Promise<Buffer> {
  if (to <= from) return Buffer.alloc(0)
  const file = await open(path, 'r')
  try {
    return await readFully(file, from, to - from)
  } finally {
    await file.close()
  }
}
