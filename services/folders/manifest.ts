/** The manifest of a stored folder: one line of JSON for each entry, in the order of the walk. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { constants, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { FolderChanged, orChanged, placeBelow, walkFolder, type FolderEntry } from './walk.ts'

const NullableText = Type.Union([Type.String(), Type.Null()])

const ManifestEntry = Type.Object({
  path: Type.String(),
  kind: Type.Union([Type.Literal('folder'), Type.Literal('file'), Type.Literal('link'), Type.Literal('special')]),
  mode: Type.Integer(),
  size: Type.Integer(),
  target: NullableText,
  what: NullableText,
  /** SHA-256 of a file's content, hexadecimal; null for others. */
  sha256: NullableText
})

/** An entry with the hash of its content; owners and times, which are no work of anybody's, are only in the archive. */
export type ManifestEntry = Static<typeof ManifestEntry>

// As large as a stream's own reads: more is not faster, and this is what is in memory of a file.
const chunkBytes = 64 * 1024

/** The manifest's entry for what was found on disk. */
export function toManifestEntry (entry: FolderEntry, sha256: string | null): ManifestEntry {
  const { path, kind, mode, size, target, what } = entry
  return { path, kind, mode, size, target, what, sha256 }
}

/** One line with its end. Names are bytes as characters, so that JSON holds any. */
export function manifestLine (entry: ManifestEntry): string {
  return `${JSON.stringify(entry)}\n`
}

/** Reads a stored manifest line by line. Throws an Error for one this service did not write. */
export async function * readManifestFile (path: string): AsyncGenerator<ManifestEntry> {
  const input = createReadStream(path, 'utf8')
  try {
    // A failing stream ends the lines only; the error is asked for below.
    const failed = new Promise<never>((_resolve, reject) => { input.once('error', reject) })
    failed.catch(() => { /* Thrown where it is raced for. */ })
    const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]()
    for (;;) {
      const line = await Promise.race([lines.next(), failed])
      if (line.done === true) {
        if (input.errored !== null) throw input.errored
        return
      }
      const entry: unknown = JSON.parse(line.value)
      if (!Value.Check(ManifestEntry, entry)) throw new Error('the manifest of the archive is malformed')
      yield entry
    }
  } finally {
    input.destroy()
  }
}

/** A file's bytes as they come, exactly `size` of them. @throws FolderChanged when it is another file or another size by now */
export async function * readContent (root: string, { path, size }: Pick<FolderEntry, 'path' | 'size'>): AsyncGenerator<Buffer> {
  // Neither a link nor a pipe that was put there meanwhile is followed or waited for.
  const handle = await orChanged(path, open(placeBelow(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK))
  try {
    const found = await handle.stat()
    if (!found.isFile() || found.size !== size) throw new FolderChanged(`${Buffer.from(path, 'latin1').toString('utf8')} changed while it was read`)
    for (let left = size; left > 0;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(left, chunkBytes)), 0, Math.min(left, chunkBytes))
      if (bytesRead === 0) throw new FolderChanged(`${Buffer.from(path, 'latin1').toString('utf8')} became shorter while it was read`)
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** What is on disk, as a manifest would hold it. @throws FolderChanged; file system errors as they are */
export async function * describeFolder (root: string, signal?: AbortSignal): AsyncGenerator<ManifestEntry> {
  for await (const entry of walkFolder(root, signal)) {
    yield toManifestEntry(entry, entry.kind === 'file' ? await hashOf(readContent(root, entry)) : null)
  }
}

/** SHA-256 of what comes, hexadecimal. */
export async function hashOf (content: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of content) hash.update(chunk)
  return hash.digest('hex')
}

/** The first difference in words, null when both hold the same in the same order. */
export async function firstDifference (expected: AsyncIterable<ManifestEntry>, found: AsyncIterable<ManifestEntry>): Promise<string | null> {
  const [left, right] = [expected[Symbol.asyncIterator](), found[Symbol.asyncIterator]()]
  try {
    for (;;) {
      const [one, other] = [await left.next(), await right.next()]
      if (one.done === true && other.done === true) return null
      if (one.done === true || other.done === true || manifestLine(one.value) !== manifestLine(other.value)) {
        const path = one.done === true ? (other.done === true ? '' : other.value.path) : one.value.path
        return path === '' ? 'the folder itself is not as stored' : `${Buffer.from(path, 'latin1').toString('utf8')} is not as stored`
      }
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()])
  }
}
