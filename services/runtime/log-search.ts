/** Looking for a line in a log that grows, from where the last look ended. */
import { open } from 'node:fs/promises'

export interface LogSearch {
  /** The first line since the last look that matches; null when none does yet. */
  next (): Promise<string | null>
}

const chunkBytes = 64 * 1024
/** A longer line is looked at in pieces, so that a log without line ends costs no memory. */
const maxLineChars = 16 * 1024

/**
 * Searches lines for a regular expression; an unfinished last line counts too (prompts have no end).
 * A file that shrank was capped by copying: the search goes on at its head.
 * @throws SyntaxError when the pattern is no regular expression
 */
export function createLogSearch ({ path, pattern, fromByte }: { path: string, pattern: string, fromByte: number }): LogSearch {
  const wanted = new RegExp(pattern)
  let offset = fromByte
  let tail = ''
  let decoder = new TextDecoder()

  function firstMatch (text: string): string | null {
    const lines = (tail + text).split('\n')
    tail = (lines.at(-1) ?? '').slice(-maxLineChars)
    return lines.find(line => wanted.test(line))?.trim() ?? null
  }

  async function next (): Promise<string | null> {
    const file = await open(path, 'r').catch(() => null)
    if (!file) return null
    try {
      const { size } = await file.stat()
      if (size < offset) {
        offset = 0
        tail = ''
        decoder = new TextDecoder()
      }
      const buffer = Buffer.alloc(chunkBytes)
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, chunkBytes, offset)
        if (bytesRead === 0) return null
        offset += bytesRead
        const found = firstMatch(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }))
        if (found !== null) return found
      }
    } finally {
      await file.close()
    }
  }

  return { next }
}
