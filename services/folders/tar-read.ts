/** Reads a tar archive from a stream, entry by entry, in flat memory. */
import { decodeHeader, tarBlock, tarPadding, type TarHeader } from './tar-format.ts'

export interface TarItem {
  header: TarHeader
  /** The content, once; what is not read of it is passed over. */
  content: AsyncIterable<Buffer>
}

interface Bytes {
  /** At least one byte and at most `limit`; null at the end. */
  some (limit: number): Promise<Buffer | null>
  /** Exactly `count`. Throws an Error when the archive ends before. */
  exactly (count: number): Promise<Buffer>
}

// Longer than any path Linux takes (PATH_MAX is 4096).
const maxLongName = 64 * 1024

/** The entries in their order. Throws an Error for an archive that is damaged or cut short. */
export async function * readTar (source: AsyncIterable<Buffer>): AsyncGenerator<TarItem> {
  const chunks = source[Symbol.asyncIterator]()
  try {
    const bytes = bytesOf(chunks)
    for (;;) {
      const header = await nextHeader(bytes)
      if (header === null) return
      const content = contentOf(bytes, header.size)
      yield { header, content }
      // What nobody wanted is in the way of the next header.
      for (const left = content[Symbol.asyncIterator](); (await left.next()).done !== true;);
      await bytes.exactly(tarPadding(header.size).length)
    }
  } finally {
    await chunks.return?.()
  }
}

/** The next header with its long name and target in place; null at the end of the archive. */
async function nextHeader (bytes: Bytes): Promise<TarHeader | null> {
  const long: Partial<Record<'L' | 'K', string>> = {}
  for (;;) {
    const header = decodeHeader(await bytes.exactly(tarBlock))
    if (header === null) return null
    if (header.type !== 'L' && header.type !== 'K') return { ...header, name: long.L ?? header.name, target: long.K ?? header.target }
    if (header.size > maxLongName) throw new Error('the archive is damaged: a name is too long')
    const content = await bytes.exactly(header.size + tarPadding(header.size).length)
    long[header.type] = content.toString('latin1', 0, header.size - 1)
  }
}

function contentOf (bytes: Bytes, size: number): AsyncIterable<Buffer> {
  let left = size
  return {
    async * [Symbol.asyncIterator] () {
      while (left > 0) {
        const chunk = await bytes.some(left)
        if (chunk === null) throw new Error('the archive is cut short')
        left -= chunk.length
        yield chunk
      }
    }
  }
}

function bytesOf (chunks: AsyncIterator<Buffer>): Bytes {
  let rest: Buffer = Buffer.alloc(0)
  const some = async (limit: number): Promise<Buffer | null> => {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return null
      rest = next.value
    }
    const taken = rest.subarray(0, limit)
    rest = rest.subarray(taken.length)
    return taken
  }
  return {
    some,
    async exactly (count) {
      const parts: Buffer[] = []
      for (let left = count; left > 0;) {
        const part = await some(left)
        if (part === null) throw new Error('the archive is cut short')
        parts.push(part)
        left -= part.length
      }
      return Buffer.concat(parts)
    }
  }
}
