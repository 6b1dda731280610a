/** A file of one's own for appending, by its bare descriptor: a file handle object costs several times as much for a short log. */
import { close, constants, ftruncate, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { inFolder } from '../process/in-folder.ts'
import type { AppendFile } from './append-queue.ts'

const [closeFile, truncateFile, writeFile] = [promisify(close), promisify(ftruncate), promisify(write)]
/** Exclusive: two writers on one log would break its count and hash. */
const newForAppending = constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY

/** Makes the file, and its folder where it is missing, for this user only. Throws when it is there already. */
export async function createAppendFile (path: string): Promise<AppendFile> {
  // In one breath: to a thread and back would take many times as long. What is written may have to wait for the disk, and goes there.
  const file = await inFolder(path, () => openSync(path, newForAppending, 0o600))
  return {
    write: async (bytes, offset) => await writeFile(file, bytes, offset),
    truncate: async bytes => { await truncateFile(file, bytes) },
    close: async () => { await closeFile(file) }
  }
}
