/** Removes files of operation logs that no operation names, which a crash or a restored database may leave. */
import { opendir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from '../../db/client.ts'
import { listOperationsWithLog } from '../../db/old-operations.ts'
import { paced } from './paced.ts'

const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.ndjson(?:\.gz(?:\.new)?)?$/

/** The names in a folder; none when there is no such folder. */
export async function namesIn (folder: string): Promise<string[]> {
  const names: string[] = []
  try {
    for await (const { name } of await opendir(folder)) names.push(name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return names
}

/** True when nothing was written to the file since; false also when it is gone. */
export async function isOlder (path: string, before: Date): Promise<boolean> {
  return await stat(path).then(({ mtime }) => mtime < before, () => false)
}

/**
 * One folder at a time. Files that were written to later than `before` stay: their operation may just be beginning.
 * @returns how many went
 */
export async function removeStrayLogs ({ db, dataDir }: { db: Db, dataDir: string }, before: Date, signal: AbortSignal): Promise<number> {
  const root = join(dataDir, 'logs', 'operations')
  const folders = await namesIn(root)
  let count = 0
  await paced(signal, async () => {
    const folder = folders.pop()
    if (folder !== undefined) count += await cleanFolder(db, join(root, folder), before)
    return folders.length > 0
  })
  return count
}

async function cleanFolder (db: Db, folder: string, before: Date): Promise<number> {
  const files: Array<{ id: string, path: string }> = []
  for (const name of await namesIn(folder)) {
    const id = fileName.exec(name)?.[1]
    const path = join(folder, name)
    if (id !== undefined && await isOlder(path, before)) files.push({ id, path })
  }
  if (files.length === 0) return 0
  const known = new Set(await listOperationsWithLog(db, files.map(({ id }) => id)))
  const stray = files.filter(({ id }) => !known.has(id))
  for (const { path } of stray) await rm(path, { force: true })
  return stray.length
}
