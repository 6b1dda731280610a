/** Reading bytes of an open file. */
import type { FileHandle } from 'node:fs/promises'

/** `length` bytes from a position on; fewer only where the file ends. One read of the system may give less than it was asked for. */
export async function readFully (file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
