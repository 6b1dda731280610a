/** A folder kept as one archive with its manifest: where the two files are, reading them, dropping them. */
import { createReadStream } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { toDisplay } from '../git/byte-path.ts'
import { readTar, type TarItem } from './tar-read.ts'
import { readManifestFile, type ManifestEntry } from './manifest.ts'

/** What is remembered of a stored folder. */
export interface StoredFolder {
  /** Of both files, without their endings: a plain word. */
  name: string
  /** RFC 3339, milliseconds. */
  takenAt: string
  /** Folders, files and links in it, the folder itself left out. */
  entryCount: number
  /** Of its files, together. */
  byteCount: number
  /** What is not in it although it was there, each a sentence without its full stop. */
  warnings: string[]
}

/** Where the stored folders of a data dir are. */
export function storeOf (dataDir: string): string {
  return join(dataDir, 'rescue')
}

export interface StoredPlaces {
  /** A tar archive, compressed by zstd: `tar --zstd -xf` unpacks it without this service. */
  archive: string
  /** One line of JSON for each entry. */
  manifest: string
}

/** @throws a TypeError for a name that is no plain word */
export function placesOf (dataDir: string, name: string): StoredPlaces {
  if (!/^[0-9A-Za-z][0-9A-Za-z-]{0,127}$/.test(name)) throw new TypeError(`not the name of a stored folder: ${JSON.stringify(name)}`)
  return { archive: join(storeOf(dataDir), `${name}.tar.zst`), manifest: join(storeOf(dataDir), `${name}.manifest.jsonl`) }
}

/** Its entries in the order of their paths. Throws file system errors, and an Error for a damaged one. */
export function storedEntries (dataDir: string, name: string): AsyncGenerator<ManifestEntry> {
  return readManifestFile(placesOf(dataDir, name).manifest)
}

/** What the archive itself holds. Throws file system errors, and an Error for a damaged one. */
export async function * archiveItems (dataDir: string, name: string): AsyncGenerator<TarItem> {
  const input = createReadStream(placesOf(dataDir, name).archive)
  const plain = createZstdDecompress()
  // An error of either ends the other; the reader meets it in the stream it reads.
  pipeline(input, plain, () => { /* Thrown to whoever iterates over `plain`. */ })
  try {
    yield * readTar(plain as AsyncIterable<Buffer>)
  } finally {
    plain.destroy()
    input.destroy()
  }
}

/** One entry by its path as people see it; null when there is none. */
export async function findStoredEntry (dataDir: string, name: string, path: string): Promise<ManifestEntry | null> {
  for await (const entry of storedEntries(dataDir, name)) if (entry.path !== '' && toDisplay(entry.path) === path) return entry
  return null
}

/** The bytes of a stored file, as a generator at the reader's pace. Throws when the archive has no such file. */
export async function * readStoredFile (dataDir: string, name: string, { path }: Pick<ManifestEntry, 'path'>): AsyncGenerator<Buffer> {
  for await (const { header, content } of archiveItems(dataDir, name)) {
    if (header.type !== '0' || header.name !== tarNameOf(path, false)) continue
    yield * content
    return
  }
  throw new Error('the archive does not hold a file that its manifest names')
}

/** The name an entry has in the archive. */
export function tarNameOf (path: string, isFolder: boolean): string {
  if (path === '') return './'
  return `./${path}${isFolder ? '/' : ''}`
}

/** Makes the folder's own entries durable. */
export async function syncFolder (path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Forgets all that is stored of a workspace, also what no record names; no error when there is nothing. */
export async function dropStoredFolders (dataDir: string, workspaceId: string): Promise<void> {
  await removeFiles(dataDir, name => name.startsWith(`${workspaceId}-`))
}

/** The names of what is stored whole, of those that begin with `prefix`, sorted. */
export async function listStoredFolders (dataDir: string, prefix: string): Promise<string[]> {
  const ending = '.tar.zst'
  return (await namesIn(storeOf(dataDir))).filter(name => name.startsWith(prefix) && name.endsWith(ending)).map(name => name.slice(0, -ending.length)).sort()
}

/** Forgets one stored folder; no error when there is none. The archive goes last: without it nothing would name the rest. */
export async function dropStoredFolder (dataDir: string, name: string): Promise<void> {
  const { archive, manifest } = placesOf(dataDir, name)
  for (const path of [manifest, archive]) await rm(path, { force: true })
}

/** Removes what a process that was killed while it stored a folder of this workspace left half written. */
export async function clearHalfStored (dataDir: string, workspaceId: string): Promise<void> {
  await removeFiles(dataDir, name => name.startsWith(`${workspaceId}-`) && name.endsWith('.partial'))
}

async function removeFiles (dataDir: string, isDoomed: (name: string) => boolean): Promise<void> {
  const store = storeOf(dataDir)
  for (const name of (await namesIn(store)).filter(isDoomed)) await rm(join(store, name), { force: true })
}

async function namesIn (folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}
