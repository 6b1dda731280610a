/** Writes and reads git objects as they are: no filters, no index of anybody's, no identity but our own. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'
import { quoteBytes, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import type { ObjectType, TreeEntry } from './make-objects.ts'

/**
 * Objects of a snapshot must be on the disk before the files they replace are removed: not even a power cut may take both.
 * Each is handed to the disk here; the ref that is written last is what flushes them, as in git's own batch mode.
 */
export const durable: readonly (readonly [string, string])[] = [['core.fsync', 'all'], ['core.fsyncMethod', 'writeout-only']]

/** Runs `work` with a temporary folder that is removed afterwards. @param files of the git that works there: its user has the folder alone */
export async function withScratch<T> (work: (folder: string) => Promise<T>, files: Files = ownFiles): Promise<T> {
  const folder = await files.mkdtemp(join(tmpdir(), 'berth-git-'))
  try {
    return await work(folder)
  } finally {
    await files.rm(folder, { recursive: true, force: true })
  }
}

/**
 * Stores files as blobs without filters and gives their ids in order. Paths are relative to `cwd` or absolute; links are followed.
 */
export async function writeBlobs (git: Git, cwd: string, paths: readonly BytePath[]): Promise<string[]> {
  if (paths.length === 0) return []
  const { stdout } = await git(['hash-object', '-w', '--no-filters', '--stdin-paths'], {
    cwd, config: durable, input: paths.map(path => `${quoteBytes(path)}\n`).join('')
  })
  return stdout.trim().split('\n')
}

/** All files of a tree-ish, submodules included; empty for an empty tree. */
export async function readTree (git: Git, cwd: string, treeish: string): Promise<TreeEntry[]> {
  const { stdout } = await git.bytes(['ls-tree', '-r', '-z', '--full-tree', treeish], { cwd })
  return stdout.toString('latin1').split('\0').filter(line => line !== '').map(line => {
    const tab = line.indexOf('\t')
    const [mode = '', , sha = ''] = line.slice(0, tab).split(' ')
    return { path: line.slice(tab + 1), mode, sha }
  })
}

/** Takes one blob's bytes as they come. */
export interface BlobSink {
  chunk (bytes: Buffer): void | Promise<void>
  end (): void | Promise<void>
}

/** Reads blobs in the order given with one process, in flat memory; see `readObjects`. */
export async function readBlobs (git: Git, cwd: string, shas: readonly string[], open: (sha: string, size: number, at: number) => BlobSink | Promise<BlobSink>): Promise<void> {
  await readObjects(git, cwd, shas.map(id => ({ id, type: 'blob' })), open)
}

/**
 * Reads objects in the order given with one process, in flat memory; `open` is told each one's id and size.
 * Throws an Error naming an object that is missing or of another type.
 */
export async function readObjects (git: Git, cwd: string, wanted: readonly { id: string, type: ObjectType }[], open: (id: string, size: number, at: number) => BlobSink | Promise<BlobSink>): Promise<void> {
  if (wanted.length === 0) return
  let header = ''
  let sink: BlobSink | null = null
  // Bytes left of the blob at hand, with the line end after it.
  let left = 0
  let at = 0
  const onStdout = async (piece: Buffer) => {
    let rest = piece
    while (rest.length > 0) {
      if (sink === null) {
        const end = rest.indexOf(10)
        header += rest.toString('latin1', 0, end === -1 ? rest.length : end)
        if (end === -1) return
        rest = rest.subarray(end + 1)
        const [sha = '', type = '', size = ''] = header.split(' ')
        if (type !== wanted[at]?.type) throw new Error(`The object ${sha} can not be read as a ${wanted[at]?.type ?? 'file'}: ${type}`)
        header = ''
        left = Number(size) + 1
        sink = await open(sha, Number(size), at++)
      }
      const taken = Math.min(left, rest.length)
      const content = rest.subarray(0, left - taken === 0 ? taken - 1 : taken)
      if (content.length > 0) await sink.chunk(content)
      left -= taken
      rest = rest.subarray(taken)
      if (left === 0) {
        await sink.end()
        sink = null
      }
    }
  }
  await git.bytes(['cat-file', '--batch', '--buffer'], { cwd, onStdout, input: wanted.map(({ id }) => `${id}\n`).join('') })
  if (at !== wanted.length || sink !== null) throw new Error(`Only ${at} of ${wanted.length} objects could be read`)
}
