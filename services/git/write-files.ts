/** Writes files of a snapshot into a worktree byte for byte, and removes those that were not there. */
import { dirname } from 'node:path/posix'
import { ownFiles, type Files } from '../process/files.ts'
import { toFsPath, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import type { TreeEntry } from './make-objects.ts'
import { readBlobs, type BlobSink } from './objects.ts'

export interface TargetFile extends TreeEntry {
  /** Permission bits; null takes what the mode says. */
  permissions: number | null
}

/** Removes files below `root`, and the folders that this leaves empty. @param files of the git whose worktree it is */
export async function removeFiles (root: string, paths: readonly BytePath[], files: Files = ownFiles): Promise<void> {
  const folders = new Set<BytePath>()
  for (const path of paths) {
    await clear(files, toFsPath(root, path))
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    // One that still holds something stays.
    await files.rmdir(toFsPath(root, folder)).catch(() => {})
  }
}

/** Removes a file, a link or an empty folder (a submodule's in a fresh worktree); throws for a folder with something in it. */
async function clear (files: Files, path: Buffer): Promise<void> {
  await files.rm(path, { force: true }).catch(() => files.rmdir(path))
}

/** Writes the files' blobs below `root`, each in place of whatever is there; links become links. */
export async function writeFilesOf (git: Git, root: string, files: readonly TargetFile[]): Promise<void> {
  await readBlobs(git, root, files.map(file => file.sha), async (_sha, _size, at) => {
    const file = files[at]
    if (file === undefined) throw new Error('git gave more objects than were asked for')
    const path = toFsPath(root, file.path)
    await git.files.mkdir(toFsPath(root, dirname(file.path)), { recursive: true })
    await clear(git.files, path)
    return file.mode === '120000' ? linkSink(git.files, path) : await fileSink(git.files, path, file)
  })
}

function linkSink (files: Files, path: Buffer): BlobSink {
  const chunks: Buffer[] = []
  return {
    chunk: bytes => { chunks.push(bytes) },
    end: async () => { await files.symlink(Buffer.concat(chunks), path) }
  }
}

async function fileSink (files: Files, path: Buffer, file: TargetFile): Promise<BlobSink> {
  // Never readable by others for a moment when it was not before.
  const handle = await files.create(path, file.permissions ?? (file.mode === '100755' ? 0o777 : 0o666))
  return {
    chunk: async bytes => {
      await handle.write(bytes).catch(async (error: unknown) => {
        await handle.close()
        throw error
      })
    },
    end: async () => {
      await handle.close()
      if (file.permissions !== null) await files.chmod(path, file.permissions)
    }
  }
}
