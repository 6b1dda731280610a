/** A file of one's own for appending, by its bare descriptor: a file handle object costs several times as much for a short log. */
import { close, constants, ftruncate, open, write } from 'node:fs'
import { promisify } from 'node:util'
import { inFolder } from '../process/in-folder.ts'
import type { AppendFile } from './append-queue.ts'

const [openFile, closeFile, truncateFile, writeFile] = [promisify(open), promisify(close), promisify(ftruncate), promisify(write)]
/** Exclusive: two writers on one log would break its count and hash. */
const newForAppending = constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY

/** Makes the file, and its folder where it is missing, for this user only. Throws when it is there already. */
export async function createAppendFile (path: string): Promise<AppendFile> {
  // Making a file is work for the disk, some 0.7 ms of it: that is no time to hold others up.
  const file = await inFolder(path, async () => await openFile(path, newForAppending, 0o600))
  return {
    write: async (bytes, offset) => await writeFile(file, bytes, offset),
    truncate: async bytes => { await truncateFile(file, bytes) },
    close: async () => { await closeFile(file) }
  }
}
