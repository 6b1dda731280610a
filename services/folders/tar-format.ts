/**
 * The tar format as GNU tar writes it (https://www.gnu.org/software/tar/manual/html_node/Standard.html), so that any tar unpacks
 * what this service stores. Written here because names are bytes: `tar-stream` and `modern-tar` pass every name through UTF-8.
 */
import type { BytePath } from '../git/byte-path.ts'

export const tarBlock = 512

/** `0` a file, `2` a symbolic link, `5` a folder; `L` and `K` hold the long name and the long target of the next entry. */
export type TarType = '0' | '2' | '5' | 'L' | 'K'

export interface TarHeader {
  /** One character per byte, as it stands in the archive. */
  name: BytePath
  type: TarType
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  /** Bytes that follow; 0 for links and folders. */
  size: number
  /** Whole seconds since 1970. */
  mtimeSec: number
  /** Of a link; empty for others. */
  target: BytePath
}

interface Field { at: number, length: number }

const fields = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtimeSec: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  type: { at: 156, length: 1 },
  target: { at: 157, length: 100 },
  magic: { at: 257, length: 8 }
} as const satisfies Record<string, Field>

const gnuMagic = 'ustar  \0'
const longName = '././@LongLink'

/** The zeros that fill a content of `size` bytes up to whole blocks. */
export function tarPadding (size: number): Buffer {
  return Buffer.alloc((tarBlock - size % tarBlock) % tarBlock)
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * tarBlock)

/** The header's blocks, with those of a long name or target before it. */
export function encodeHeader (header: TarHeader): Buffer {
  return Buffer.concat([
    ...(header.target.length > fields.target.length ? long('K', header.target) : []),
    ...(header.name.length > fields.name.length ? long('L', header.name) : []),
    block(header)
  ])
}

function long (type: 'L' | 'K', bytes: BytePath): Buffer[] {
  const content = Buffer.from(`${bytes}\0`, 'latin1')
  return [block({ name: longName, type, mode: 0o644, uid: 0, gid: 0, size: content.length, mtimeSec: 0, target: '' }), content, tarPadding(content.length)]
}

function block (header: TarHeader): Buffer {
  const bytes = Buffer.alloc(tarBlock)
  const put = ({ at, length }: Field, text: string) => bytes.write(text.slice(0, length), at, length, 'latin1')
  put(fields.name, header.name)
  put(fields.target, header.target)
  put(fields.type, header.type)
  put(fields.magic, gnuMagic)
  for (const name of ['mode', 'uid', 'gid', 'size', 'mtimeSec'] as const) putNumber(bytes, fields[name], header[name])
  put(fields.checksum, `${checksumOf(bytes).toString(8).padStart(6, '0')}\0 `)
  return bytes
}

/** Octal where it fits, else GNU's base-256 with the first bit set. */
function putNumber (bytes: Buffer, { at, length }: Field, value: number): void {
  const octal = value.toString(8)
  if (octal.length < length) {
    bytes.write(octal.padStart(length - 1, '0'), at, 'latin1')
    return
  }
  bytes.writeBigUInt64BE(BigInt(value), at + length - 8)
  bytes[at] = (bytes[at] ?? 0) | 0x80
}

function checksumOf (bytes: Buffer): number {
  let sum = 0
  for (const [at, byte] of bytes.entries()) sum += at >= fields.checksum.at && at < fields.checksum.at + fields.checksum.length ? 0x20 : byte
  return sum
}

/** Null for a block of zeros, which ends an archive. Throws an Error for what is no header of this kind. */
export function decodeHeader (bytes: Buffer): TarHeader | null {
  if (bytes.every(byte => byte === 0)) return null
  const text = ({ at, length }: Field) => bytes.toString('latin1', at, at + length)
  const name = ({ at, length }: Field) => text({ at, length }).split('\0')[0] ?? ''
  if (Number.parseInt(text(fields.checksum), 8) !== checksumOf(bytes)) throw new Error('the archive is damaged: a header does not fit its checksum')
  const type = text(fields.type)
  if (type !== '0' && type !== '2' && type !== '5' && type !== 'L' && type !== 'K') throw new Error(`the archive holds an entry of an unknown type (${type})`)
  const number = (field: Field) => readNumber(bytes, field)
  return {
    name: name(fields.name),
    type,
    mode: number(fields.mode),
    uid: number(fields.uid),
    gid: number(fields.gid),
    size: number(fields.size),
    mtimeSec: number(fields.mtimeSec),
    target: name(fields.target)
  }
}

function readNumber (bytes: Buffer, { at, length }: Field): number {
  if (((bytes[at] ?? 0) & 0x80) === 0) return Number.parseInt(bytes.toString('latin1', at, at + length), 8)
  const copy = Buffer.from(bytes.subarray(at, at + length))
  copy[0] = (copy[0] ?? 0) & 0x7f
  return Number(copy.readBigUInt64BE(length - 8))
}
