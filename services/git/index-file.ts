/** Reads a git index file and makes it independent of the place it lay in; knows nothing of processes. */
import { createHash } from 'node:crypto'
import type { BytePath } from './byte-path.ts'

export interface IndexEntry {
  path: BytePath
  /** Octal, as git prints it: 100644, 100755, 120000 (link), 160000 (submodule). */
  mode: string
  sha: string
  /** 0, or 1 (base), 2 (ours), 3 (theirs) of a conflict. */
  stage: number
  /** `git update-index --assume-unchanged`: status does not look at this file. */
  assumeUnchanged: boolean
  /** Left out of a sparse checkout: status does not look either. */
  skipWorktree: boolean
  /** `git add -N`. */
  intentToAdd: boolean
}

export interface PortableIndex {
  entries: IndexEntry[]
  /**
   * The index without file times, inodes and caches: it fits any folder. Sizes stay: git calls a file modified by its size
   * alone, also where filters would make it equal again, and status is to say the same as before.
   */
  bytes: Buffer
  /** Digest of what the index means: equal digests, equal entries and flags, whatever git noted about the files on disk. */
  digest: string
}

export type HashName = 'sha1' | 'sha256'

// The layout is that of Documentation/gitformat-index: 40 bytes of stat data, the object id, 16 bits of flags.
const HEADER_BYTES = 12
const STAT_BYTES = 40
const MODE_OFFSET = 24
const SIZE_OFFSET = 36
const FLAG_ASSUME_UNCHANGED = 0x8000
const FLAG_EXTENDED = 0x4000
const EXTENDED_SKIP_WORKTREE = 0x4000
const EXTENDED_INTENT_TO_ADD = 0x2000

/** Reads an index of version 2 or 3. Throws an Error for anything else, and for one that is cut off or damaged. */
export function parseIndex (file: Buffer, hash: HashName): PortableIndex {
  return readEntries(file, hash).index
}

/**
 * Reads an index as it lies in a worktree, when its entries are all it means: null for another version, one whose checksum is not right,
 * and one with an extension that must be understood (split in two, or sparse), which git has to write in a plain form first.
 */
export function parsePlainIndex (file: Buffer, hash: HashName): PortableIndex | null {
  const body = file.subarray(0, -hashBytesOf(hash))
  if (!isIndex(file, hash) || !createHash(hash).update(body).digest().equals(file.subarray(body.length))) return null
  const { index, end } = readEntries(file, hash)
  for (let at = end; at < body.length;) {
    // Signature and length; the names of those that may be passed over begin with a capital letter.
    if (at + 8 > body.length || !/^[A-Z]$/.test(String.fromCharCode(body[at] ?? 0))) return null
    at += 8 + body.readUInt32BE(at + 4)
  }
  return index
}

const hashBytesOf = (hash: HashName) => hash === 'sha1' ? 20 : 32

function isIndex (file: Buffer, hash: HashName): boolean {
  const version = file.length < HEADER_BYTES + hashBytesOf(hash) ? 0 : file.readUInt32BE(4)
  return file.toString('latin1', 0, 4) === 'DIRC' && (version === 2 || version === 3)
}

/** The entries, and where they end. */
function readEntries (file: Buffer, hash: HashName): { index: PortableIndex, end: number } {
  if (!isIndex(file, hash)) throw new Error('The index is not of a form that can be read')
  const hashBytes = hashBytesOf(hash)
  const count = file.readUInt32BE(8)
  const entries: IndexEntry[] = []
  const portable = Buffer.from(file)
  // Mode, id, flags and name of each, one after the other: hashed in one go.
  const meaning = Buffer.alloc(file.length)
  let meant = 0
  let at = HEADER_BYTES
  for (let n = 0; n < count; n++) {
    const { entry, length } = readEntry(file, at, hashBytes)
    portable.fill(0, at, at + MODE_OFFSET).fill(0, at + MODE_OFFSET + 4, at + SIZE_OFFSET)
    meant += file.copy(meaning, meant, at + MODE_OFFSET, at + MODE_OFFSET + 4)
    meant += file.copy(meaning, meant, at + STAT_BYTES, at + length)
    entries.push(entry)
    at += length
  }
  if (at > file.length - hashBytes) throw new Error('The index is cut off')
  const body = portable.subarray(0, at)
  const bytes = Buffer.concat([body, createHash(hash).update(body).digest()])
  return { index: { entries, bytes, digest: createHash('sha256').update(meaning.subarray(0, meant)).digest('hex') }, end: at }
}

function readEntry (file: Buffer, at: number, hashBytes: number): { entry: IndexEntry, length: number } {
  const flagsAt = at + STAT_BYTES + hashBytes
  const flags = file.readUInt16BE(flagsAt)
  const isExtended = (flags & FLAG_EXTENDED) !== 0
  const extended = isExtended ? file.readUInt16BE(flagsAt + 2) : 0
  const nameAt = flagsAt + (isExtended ? 4 : 2)
  const nameEnd = file.indexOf(0, nameAt)
  if (nameEnd === -1) throw new Error('The index is cut off')
  const entry: IndexEntry = {
    path: file.toString('latin1', nameAt, nameEnd),
    mode: file.readUInt32BE(at + MODE_OFFSET).toString(8),
    sha: file.toString('hex', at + STAT_BYTES, flagsAt),
    stage: (flags >> 12) & 3,
    assumeUnchanged: (flags & FLAG_ASSUME_UNCHANGED) !== 0,
    skipWorktree: (extended & EXTENDED_SKIP_WORKTREE) !== 0,
    intentToAdd: (extended & EXTENDED_INTENT_TO_ADD) !== 0
  }
  // Entries end with 1 to 8 NULs, so that their length is a multiple of 8.
  return { entry, length: (nameEnd - at + 8) & ~7 }
}
