/** Compresses one log that has ended: written anew beside it, made durable, then the plain one removed. */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { compressFile } from './block-gzip.ts'
import { compressedPath, openLogSource } from './log-source.ts'

/** Where the compressed log is written until it is whole. */
export function newPath (path: string): string {
  return `${compressedPath(path)}.new`
}

/**
 * Readers find the plain log or the compressed one at any moment. May be cut off at any moment and done again.
 * @param sha256 of the plain content at its end, hex
 * @returns false when there is neither
 * @throws Error when the content is another one; what writing throws, the signal's reason
 */
export async function compressLog (path: string, sha256: string, signal: AbortSignal): Promise<boolean> {
  const plain = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (plain === null) return await isCompressed(path)
  try {
    await writeCompressed(plain, path, sha256, signal)
  } catch (error) {
    await rm(newPath(path), { force: true })
    throw error
  } finally {
    await plain.close()
  }
  await rename(newPath(path), compressedPath(path))
  await syncFolder(dirname(path))
  await rm(path, { force: true })
  return true
}

async function isCompressed (path: string): Promise<boolean> {
  const source = await openLogSource(path)
  await source?.close()
  return source !== null
}

async function writeCompressed (plain: FileHandle, path: string, sha256: string, signal: AbortSignal): Promise<void> {
  const file = await open(newPath(path), 'w', 0o600)
  try {
    const written = await compressFile(plain, file, signal)
    if (written.sha256 !== sha256) throw new Error('the log is not what it was when it ended')
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A rename is durable once its folder is. */
async function syncFolder (path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
