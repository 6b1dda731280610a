/** Opening a file that may be the first one of its folder. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Opens the file at `path` by `open`; its folder, for this user only, is made when it is found missing: mostly it is there. */
export async function inFolder<T> (path: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return await open()
  }
}
