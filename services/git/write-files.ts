/** Writes files of a snapshot into a worktree byte for byte, and removes those that were not there. */
import { chmod, mkdir, open, rm, rmdir, symlink } from 'node:fs/promises'
import { dirname } from 'node:path/posix'
import { toFsPath, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import { readBlobs, type BlobSink, type TreeEntry } from './objects.ts'

export interface TargetFile extends TreeEntry {
  /** Permission bits; null takes what the mode says. */
  permissions: number | null
}

/** Removes files below `root`, and the folders that this leaves empty. */
export async function removeFiles (root: string, paths: readonly BytePath[]): Promise<void> {
  const folders = new Set<BytePath>()
  for (const path of paths) {
    await clear(toFsPath(root, path))
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    // One that still holds something stays.
    await rmdir(toFsPath(root, folder)).catch(() => {})
  }
}

/** Removes a file, a link or an empty folder (a submodule's in a fresh worktree); throws for a folder with something in it. */
async function clear (path: Buffer): Promise<void> {
  await rm(path, { force: true }).catch(() => rmdir(path))
}

/** Writes the files' blobs below `root`, each in place of whatever is there; links become links. */
export async function writeFilesOf (git: Git, root: string, files: readonly TargetFile[]): Promise<void> {
  await readBlobs(git, root, files.map(file => file.sha), async (_sha, _size, at) => {
    const file = files[at]
    if (file === undefined) throw new Error('git gave more objects than were asked for')
    const path = toFsPath(root, file.path)
    await mkdir(toFsPath(root, dirname(file.path)), { recursive: true })
    await clear(path)
    return file.mode === '120000' ? linkSink(path) : await fileSink(path, file)
  })
}

function linkSink (path: Buffer): BlobSink {
  const chunks: Buffer[] = []
  return {
    chunk: bytes => { chunks.push(bytes) },
    end: async () => { await symlink(Buffer.concat(chunks), path) }
  }
}

async function fileSink (path: Buffer, file: TargetFile): Promise<BlobSink> {
  // Never readable by others for a moment when it was not before.
  const handle = await open(path, 'wx', file.permissions ?? (file.mode === '100755' ? 0o777 : 0o666))
  return {
    chunk: async bytes => {
      await handle.writeFile(bytes).catch(async (error: unknown) => {
        await handle.close()
        throw error
      })
    },
    end: async () => {
      await handle.close()
      if (file.permissions !== null) await chmod(path, file.permissions)
    }
  }
}
