/** What is kept of a folder that is no repository, as lists and files of a rescue show it. */
import { access, constants } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { RescuedFile } from '../../openapi/schemas/rescue.ts'
import { NotFound, RescueUnreadable } from '../errors.ts'
import type { ManifestEntry } from '../folders/manifest.ts'
import { findStoredEntry, placesOf, readStoredFile, storedEntries, type StoredFolder } from '../folders/stored-folder.ts'
import { toDisplay } from '../git/byte-path.ts'
import type { RescuedContent } from './rescue-files.ts'

/** A page of what is in it; `from` counts entries. Throws file system errors, and an Error for a damaged manifest. */
export async function pageOfFolder (dataDir: string, { name }: StoredFolder, { from, limit }: { from: number, limit: number }): Promise<RescuedFile[]> {
  const files: RescuedFile[] = []
  let at = 0
  for await (const entry of storedEntries(dataDir, name)) {
    if (entry.path === '' || entry.kind === 'special') continue
    if (at++ < from) continue
    files.push(toFile(entry))
    if (files.length === limit) break
  }
  return files
}

function toFile (entry: ManifestEntry): RescuedFile {
  return { path: toDisplay(entry.path), status: 'untracked', mode: modeOf(entry), sizeBytes: sizeOf(entry) }
}

function sizeOf ({ kind, size, target }: ManifestEntry): number | null {
  if (kind === 'folder') return null
  return kind === 'link' ? target?.length ?? 0 : size
}

/** As git writes it, but with every permission. */
function modeOf ({ kind, mode }: ManifestEntry): string {
  if (kind === 'link') return '120000'
  return `${kind === 'folder' ? '04' : '10'}${mode.toString(8).padStart(4, '0')}`
}

/** The entry, once the archive itself is known to be there: its bytes are read when the answer has begun. */
async function findReadable (dataDir: string, name: string, path: string): Promise<ManifestEntry | null> {
  await access(placesOf(dataDir, name).archive, constants.R_OK)
  return await findStoredEntry(dataDir, name, path)
}

/**
 * One file of it.
 * @throws NotFound (404), RescueUnreadable (422) for a folder and for what can't be read
 */
export async function openInFolder (dataDir: string, { name }: StoredFolder, path: string): Promise<RescuedContent> {
  const entry = await findReadable(dataDir, name, path).catch((cause: unknown) => {
    throw new RescueUnreadable('The archive of the folder can not be read.', { cause })
  })
  if (entry === null || entry.kind === 'special') throw new NotFound(`The archive holds no file ${path}.`)
  if (entry.kind === 'folder') throw new RescueUnreadable(`${path} is a folder; its files have paths of their own.`)
  const content = entry.kind === 'link' ? Readable.from([Buffer.from(entry.target ?? '', 'latin1')]) : Readable.from(readStoredFile(dataDir, name, entry), { objectMode: false })
  return { sha: entry.sha256 ?? `link-${Buffer.from(entry.target ?? '', 'latin1').toString('base64url')}`, mode: modeOf(entry), content }
}
