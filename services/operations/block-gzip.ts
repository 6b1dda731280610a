/**
 * Gzip that can be read from any place: each block of the plain file is a gzip member of its own, and an empty last
 * member carries the members' sizes in its header's extra field (RFC 1952, 2.3.1.1). `zcat` reads it as any other.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { readFully } from './file-bytes.ts'

/** Plain bytes of a block: what has to be unpacked at once to read any byte. Larger ones make files hardly smaller. */
const usualBlockBytes = 65_536
/** The extra field has room for 16,377 sizes; files with more blocks have larger ones. */
const maxBlocks = 16_000

const memberHead = Buffer.from([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
const indexHead = Buffer.from([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF])
/** An empty deflate stream, the CRC-32 and the length of nothing. */
const indexEnd = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
const fieldId = Buffer.from('BX')
const magic = 0x31584C42
/** Behind the sizes: plain bytes of all (8), of a block (4), number of blocks (4), magic (4). */
const footerBytes = 20

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

export interface CompressedSummary {
  /** Of the plain content. */
  bytes: number
  sha256: string
}

/** What reading needs to know of such a file. */
export interface BlockIndex {
  plainBytes: number
  blockBytes: number
  /** Where each member begins, and last where they end. */
  starts: readonly number[]
}

async function writeFully (file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten
}

function blockBytesOf (size: number): number {
  let blockBytes = usualBlockBytes
  while (size / blockBytes > maxBlocks) blockBytes *= 2
  return blockBytes
}

async function memberOf (block: Buffer): Promise<Buffer> {
  const end = Buffer.alloc(8)
  end.writeUInt32LE(crc32(block), 0)
  end.writeUInt32LE(block.length, 4)
  return Buffer.concat([memberHead, await deflate(block), end])
}

function indexOf (sizes: readonly number[], plainBytes: number, blockBytes: number): Buffer {
  const data = Buffer.alloc(sizes.length * 4 + footerBytes)
  sizes.forEach((size, index) => data.writeUInt32LE(size, index * 4))
  const footer = sizes.length * 4
  data.writeBigUInt64LE(BigInt(plainBytes), footer)
  data.writeUInt32LE(blockBytes, footer + 8)
  data.writeUInt32LE(sizes.length, footer + 12)
  data.writeUInt32LE(magic, footer + 16)
  const lengths = Buffer.alloc(6)
  lengths.writeUInt16LE(data.length + 4, 0)
  fieldId.copy(lengths, 2)
  lengths.writeUInt16LE(data.length, 4)
  return Buffer.concat([indexHead, lengths, data, indexEnd])
}

/**
 * Writes `to` from `from`, a block at a time.
 * @throws what reading and writing throw, the signal's reason
 */
export async function compressFile (from: FileHandle, to: FileHandle, signal: AbortSignal): Promise<CompressedSummary> {
  const blockBytes = blockBytesOf((await from.stat()).size)
  const hash = createHash('sha256')
  const sizes: number[] = []
  let bytes = 0
  for (;;) {
    signal.throwIfAborted()
    const block = await readFully(from, bytes, blockBytes)
    if (block.length === 0) break
    hash.update(block)
    const member = await memberOf(block)
    await writeFully(to, member)
    sizes.push(member.length)
    bytes += block.length
    if (block.length < blockBytes) break
  }
  await writeFully(to, indexOf(sizes, bytes, blockBytes))
  return { bytes, sha256: hash.digest('hex') }
}

/** @throws Error when the file is none that `compressFile` has written */
export async function readIndex (file: FileHandle): Promise<BlockIndex> {
  const { size } = await file.stat()
  const footerAt = size - indexEnd.length - footerBytes
  const footer = footerAt < 0 ? Buffer.alloc(0) : await readFully(file, footerAt, footerBytes)
  if (footer.length < footerBytes || footer.readUInt32LE(16) !== magic) throw new Error('the compressed log is damaged: it has no index')
  const count = footer.readUInt32LE(12)
  const sizes = await readFully(file, footerAt - count * 4, count * 4)
  const starts = [0]
  for (let index = 0, at = 0; index < count; index++) {
    at += sizes.readUInt32LE(index * 4)
    starts.push(at)
  }
  return { plainBytes: Number(footer.readBigUInt64LE(0)), blockBytes: footer.readUInt32LE(8), starts }
}

/**
 * The plain content of one block, from 0 on.
 * @throws Error when it is damaged
 */
export async function readBlock (file: FileHandle, { starts }: BlockIndex, block: number): Promise<Buffer> {
  const [from = 0, to = 0] = [starts[block], starts[block + 1]]
  const member = await readFully(file, from, to - from)
  const plain = await inflate(member.subarray(memberHead.length, -8))
  if (crc32(plain) !== member.readUInt32LE(member.length - 8)) throw new Error(`the compressed log is damaged: block ${block} has another checksum`)
  return plain
}
