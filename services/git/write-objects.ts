/** Hands objects to git as one pack, so that one process stores them all; see gitformat-pack(5) for its form. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflate, deflateSync } from 'node:zlib'
import { toFsPath } from './byte-path.ts'
import { GitFailed, type Git } from './exec.ts'
import { FILES_AT_A_TIME, mapLimited, type FileState } from './file-state.ts'
import type { HashName } from './index-file.ts'
import { makeObject, type GitObject, type ObjectType } from './make-objects.ts'
import { durable, writeBlobs } from './objects.ts'

const deflateAside = promisify(deflate)

// Where git itself begins to keep what it receives as a pack (`transfer.unpackLimit`): a pack for each small snapshot would slow it down.
const LOOSE_OBJECTS = 100
// git unpacks objects in memory; a pack is written as it comes.
const LOOSE_BYTES = 8 * 1024 * 1024
// Compressed at once: that takes less time than handing it to another thread and back, and holds nobody up.
const DEFLATE_AT_ONCE_BYTES = 16 * 1024
// Above this a file is not held in memory here.
const READ_WHOLE_BYTES = 1024 * 1024
// How many are taken together.
const FILES_TOGETHER = 64
// Most of what snapshots hold is small and soon dropped again: the quickest level is enough.
const level = 1

export interface ObjectsInput {
  hash: HashName
  objects: readonly GitObject[]
  /** Files and links below `root`, without filters. */
  files: readonly FileState[]
  root: string
}

/**
 * Stores the objects and the files' bytes in the repository of `root`; false when a file is no longer what it was when it was hashed.
 * What is there already is left as it is. Files are read as the user that git runs as. Throws GitFailed, and for a file that can't be read.
 */
export async function writeObjects (git: Git, input: ObjectsInput): Promise<boolean> {
  const isLarge = (file: FileState) => file.linkTarget === null && file.bytes > READ_WHOLE_BYTES
  if (!await writeLarge(git, input.root, input.files.filter(isLarge))) return false
  const objects = [...new Map(input.objects.map(object => [object.id, object])).values()]
  const known = new Set(objects.map(({ id }) => id))
  const files = [...new Map(input.files.filter(file => !isLarge(file) && !known.has(file.sha)).map(file => [file.sha, file])).values()]
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const count = objects.length + files.length
  if (count === 0) return true
  const outcome = { isSame: true }
  const isLoose = count < LOOSE_OBJECTS && bytes < LOOSE_BYTES
  await git(isLoose ? ['unpack-objects', '-q'] : ['index-pack', '--stdin'], { cwd: input.root, config: durable, input: packOf(git, input, { objects, files }, outcome) })
  return outcome.isSame
}

/** Large files are read by git itself, in flat memory. */
async function writeLarge (git: Git, root: string, files: readonly FileState[]): Promise<boolean> {
  try {
    const ids = await writeBlobs(git, root, files.map(({ path }) => path))
    return files.every((file, at) => ids[at] === file.sha)
  } catch (error) {
    // A file that has gone since it was looked at ends the whole call. Anything else (a full disk) will end the next try too.
    if (error instanceof GitFailed && /could not open|No such file|Not a directory|Is a directory/.test(error.stderr) && !/Permission denied/.test(error.stderr)) return false
    throw error
  }
}

/** The pack, piece by piece. A file that has changed still makes a whole pack, so that git leaves nothing half written; `outcome` tells. */
async function * packOf (git: Git, { hash, root }: ObjectsInput, { objects, files }: { objects: readonly GitObject[], files: readonly FileState[] }, outcome: { isSame: boolean }): AsyncGenerator<Buffer> {
  const digest = createHash(hash)
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  header.writeUInt32BE(objects.length + files.length, 8)
  const packedFile = async (file: FileState) => {
    const content = file.linkTarget ?? await git.files.readFile(toFsPath(root, file.path)).catch(absent)
    if (makeObject(hash, 'blob', content).id !== file.sha) outcome.isSame = false
    return await packed('blob', content)
  }
  const all = async function * () {
    yield header
    for (const { type, content } of objects) yield await packed(type, content)
    for (let at = 0; at < files.length; at += FILES_TOGETHER) yield Buffer.concat(await mapLimited(files.slice(at, at + FILES_TOGETHER), FILES_AT_A_TIME, packedFile))
  }
  for await (const piece of all()) {
    digest.update(piece)
    yield piece
  }
  yield digest.digest()
}

async function packed (type: ObjectType, content: Buffer): Promise<Buffer> {
  return Buffer.concat([objectHeader(type, content.length), content.length <= DEFLATE_AT_ONCE_BYTES ? deflateSync(content, { level }) : await deflateAside(content, { level })])
}

/** Nothing, or no file any more, counts as an empty one: its hash tells. Throws any other error. */
function absent (error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return Buffer.alloc(0)
  throw error
}

const typeNumbers = { commit: 1, tree: 2, blob: 3 } as const

/** The type and, seven bits at a time after the first four, the size. */
function objectHeader (type: ObjectType, size: number): Buffer {
  const bytes = [typeNumbers[type] << 4 | size % 16]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80
    bytes.push(rest % 128)
  }
  return Buffer.from(bytes)
}
