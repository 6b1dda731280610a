/** Stores a folder as one archive with its manifest, reads it back, and says whether a folder still is what was stored. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import { RescueFailed } from '../errors.ts'
import { toDisplay } from '../git/byte-path.ts'
import { stampedName } from '../git/snapshot.ts'
import { describeFolder, firstDifference, hashOf, manifestLine, readContent, toManifestEntry, type ManifestEntry } from './manifest.ts'
import { archiveItems, clearHalfStored, placesOf, storeOf, storedEntries, syncFolder, tarNameOf, type StoredFolder } from './stored-folder.ts'
import { encodeHeader, tarEnd, tarPadding } from './tar-format.ts'
import { FolderChanged, walkFolder, type FolderEntry } from './walk.ts'

export interface StoreFolderInput {
  dataDir: string
  workspaceId: string
  /** The folder, a real path. */
  path: string
  now: () => Date
  signal: AbortSignal
}

// Somebody who is still writing gets this many chances to pause for as long as a look takes.
const attempts = 3
// Written to the disk in pieces, so that the lines of many small files don't cost a call each.
const manifestBufferBytes = 64 * 1024
/** Warnings that name one special file each; the rest are counted. */
const namedSpecials = 20

/**
 * Stores everything below `path`, in flat memory: written beside its place, made durable, renamed, read back and compared
 * with its manifest. The folder is only read.
 * @throws RescueFailed (422) when that can't be done, or the folder keeps changing; nothing half made is left then
 */
export async function storeFolder (input: StoreFolderInput): Promise<StoredFolder> {
  const { dataDir, workspaceId, path } = input
  const takenAt = input.now()
  const name = stampedName(workspaceId, takenAt)
  try {
    await mkdir(storeOf(dataDir), { recursive: true, mode: 0o700 })
    await clearHalfStored(dataDir, workspaceId)
    const written = await orAgain(async () => await write(input, name))
    await verifyStored(dataDir, name)
    return { name, takenAt: takenAt.toISOString(), ...written }
  } catch (cause) {
    input.signal.throwIfAborted()
    throw new RescueFailed(`What is in ${path} could not be secured: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

async function orAgain<T> (work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof FolderChanged) || attempt === attempts) throw error
    }
  }
}

type Written = Pick<StoredFolder, 'entryCount' | 'byteCount' | 'warnings'>

async function write ({ dataDir, path, signal }: StoreFolderInput, name: string): Promise<Written> {
  const places = placesOf(dataDir, name)
  const partial = { archive: `${places.archive}.partial`, manifest: `${places.manifest}.partial` }
  try {
    const manifest = await open(partial.manifest, 'wx', 0o600)
    let written: Written
    try {
      const lines = bufferedLines(manifest)
      const tally = createTally()
      const packed = pack(path, signal, async entry => {
        tally.add(entry)
        await lines.add(manifestLine(entry))
      })
      // The checksum lets every reader see damage, `zstd --test` too.
      const compress = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } })
      await pipeline(Readable.from(packed, { objectMode: false }), compress, createWriteStream(partial.archive, { flags: 'wx', mode: 0o600, flush: true }), { signal })
      await lines.end()
      await manifest.sync()
      written = tally.result()
    } finally {
      await manifest.close()
    }
    await rename(partial.manifest, places.manifest)
    await rename(partial.archive, places.archive)
    await syncFolder(storeOf(dataDir))
    return written
  } catch (error) {
    for (const file of [partial.archive, partial.manifest]) await rm(file, { force: true })
    throw error
  }
}

/** The folder as the bytes of an archive; `note` is told each entry, special files too, which an archive can't hold. */
async function * pack (root: string, signal: AbortSignal, note: (entry: ManifestEntry) => Promise<void>): AsyncGenerator<Buffer> {
  for await (const entry of walkFolder(root, signal)) {
    if (entry.kind !== 'special') yield headerOf(entry)
    if (entry.kind !== 'file') {
      await note(toManifestEntry(entry, null))
      continue
    }
    const hash = createHash('sha256')
    for await (const chunk of readContent(root, entry)) {
      hash.update(chunk)
      yield chunk
    }
    if (entry.size % 512 !== 0) yield tarPadding(entry.size)
    await note(toManifestEntry(entry, hash.digest('hex')))
  }
  yield tarEnd
}

const tarTypes = { file: '0', link: '2', folder: '5' } as const

function headerOf (entry: FolderEntry): Buffer {
  const { path, kind, mode, uid, gid, size, mtimeSec, target } = entry
  if (kind === 'special') throw new TypeError('an archive holds no special files')
  return encodeHeader({ name: tarNameOf(path, kind === 'folder'), type: tarTypes[kind], mode: kind === 'link' ? 0o777 : mode, uid, gid, size, mtimeSec, target: target ?? '' })
}

function bufferedLines (file: FileHandle): { add (line: string): Promise<void>, end (): Promise<void> } {
  let waiting = ''
  const flush = async () => {
    const text = waiting
    waiting = ''
    await file.appendFile(text)
  }
  return {
    async add (line) {
      waiting += line
      if (waiting.length >= manifestBufferBytes) await flush()
    },
    end: flush
  }
}

function createTally (): { add (entry: ManifestEntry): void, result (): Written } {
  const warnings: string[] = []
  let [entryCount, byteCount, specials] = [0, 0, 0]
  return {
    add ({ path, kind, size, what }) {
      if (kind === 'special') {
        specials++
        if (specials <= namedSpecials) warnings.push(`${toDisplay(path)} is a ${what}, which is not kept`)
        return
      }
      if (path !== '') entryCount++
      byteCount += size
    },
    result () {
      const more = specials - namedSpecials
      return { entryCount, byteCount, warnings: more > 0 ? [...warnings, `${more} more sockets, pipes or devices are not kept`] : warnings }
    }
  }
}

/** Reads the archive from the disk and compares it with its manifest. Throws an Error when they differ. */
export async function verifyStored (dataDir: string, name: string): Promise<void> {
  const difference = await firstDifference(keptEntries(dataDir, name), inArchive(dataDir, name))
  if (difference !== null) throw new Error(`read back, the archive is not what was written: ${difference}`)
}

async function * keptEntries (dataDir: string, name: string): AsyncGenerator<ManifestEntry> {
  for await (const entry of storedEntries(dataDir, name)) if (entry.kind !== 'special') yield entry
}

async function * inArchive (dataDir: string, name: string): AsyncGenerator<ManifestEntry> {
  for await (const { header, content } of archiveItems(dataDir, name)) {
    const kind = header.type === '5' ? 'folder' : header.type === '2' ? 'link' : 'file'
    const path = header.name.slice(2, kind === 'folder' && header.name !== './' ? -1 : undefined)
    yield {
      path,
      kind,
      mode: kind === 'link' ? 0 : header.mode,
      size: header.size,
      target: kind === 'link' ? header.target : null,
      what: null,
      sha256: kind === 'file' ? await hashOf(content) : null
    }
  }
}

export interface SameFolderInput {
  dataDir: string
  stored: Pick<StoredFolder, 'name'>
  /** The folder, wherever it stands now. */
  path: string
  /** Leaves out what an archive can't hold, for a folder that was made from one. */
  withoutSpecials?: boolean
  signal?: AbortSignal
}

/** The first thing that is not as stored, in words; null when the folder is exactly what was stored. */
export async function differenceFromStored ({ dataDir, stored, path, withoutSpecials = false, signal }: SameFolderInput): Promise<string | null> {
  try {
    return await firstDifference((withoutSpecials ? keptEntries : storedEntries)(dataDir, stored.name), describeFolder(path, signal))
  } catch (error) {
    if (error instanceof FolderChanged) return error.message
    throw error
  }
}
