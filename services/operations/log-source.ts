/** A log to read from any place, whether it lies there plain or compressed: offsets are those of the plain content. */
import { open, type FileHandle } from 'node:fs/promises'
import { readBlock, readIndex } from './block-gzip.ts'
import { readFully } from './file-bytes.ts'

export interface LogSource {
  /** At most `length` bytes from `position` on; fewer only at the end. Not to be written into. */
  read (position: number, length: number): Promise<Buffer>
  /** Bytes of the plain content now. */
  size (): Promise<number>
  /** True where nothing will be written any more. */
  readonly isCompressed: boolean
  close (): Promise<void>
}

/** Where the compressed log lies of which `path` is the plain one. */
export function compressedPath (path: string): string {
  return `${path}.gz`
}

async function openOrNull (path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Opens the plain log or, where that is not there any more, the compressed one. Null when there is neither. */
export async function openLogSource (path: string): Promise<LogSource | null> {
  // In this order: the plain one is removed once the compressed one is there.
  const plain = await openOrNull(path)
  if (plain !== null) return plainSource(plain)
  const compressed = await openOrNull(compressedPath(path))
  if (compressed === null) return null
  try {
    return await compressedSource(compressed)
  } catch (error) {
    await compressed.close()
    throw error
  }
}

function plainSource (file: FileHandle): LogSource {
  return {
    isCompressed: false,
    size: async () => (await file.stat()).size,
    close: async () => await file.close(),
    read: async (position, length) => await readFully(file, position, length)
  }
}

async function compressedSource (file: FileHandle): Promise<LogSource> {
  const index = await readIndex(file)
  // Readers go on where they were, mostly inside the same block.
  let last: { block: number, plain: Promise<Buffer> } | null = null

  async function plainOf (block: number): Promise<Buffer> {
    if (last?.block !== block) last = { block, plain: readBlock(file, index, block) }
    return await last.plain
  }

  return {
    isCompressed: true,
    size: async () => index.plainBytes,
    close: async () => await file.close(),
    async read (position, length) {
      const end = Math.min(position + length, index.plainBytes)
      const parts: Buffer[] = []
      for (let at = position; at < end;) {
        const block = Math.floor(at / index.blockBytes)
        const from = at - block * index.blockBytes
        const part = (await plainOf(block)).subarray(from, from + end - at)
        if (part.length === 0) throw new Error(`the compressed log is damaged: block ${block} is too short`)
        parts.push(part)
        at += part.length
      }
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
    }
  }
}
