/** Bytes and the text they hold: where text may be cut, and which bytes a cut in the text means, also where bytes are no text. */

/** How many bytes there are before a character at the end that is not whole yet. */
export function wholeCharacters (bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) break
    if (byte >= 0xC0) return back < (byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2) ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** Stands in a decoded text for bytes that are no UTF-8, one to three of them each. */
const replacement = '\ufffd'

/**
 * How many of `bytes` the first `chars` UTF-16 units of their text are made of.
 * @param text `bytes` decoded
 */
export function bytesOfHead (bytes: Buffer, text: string, chars: number): number {
  if (chars >= text.length) return bytes.length
  if (!text.includes(replacement)) return Buffer.byteLength(text.slice(0, chars))
  // What a replacement stood for can't be told from the text: look for the longest head that gives no more than these.
  let low = 0
  let high = bytes.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (bytes.toString('utf8', 0, middle).length <= chars) low = middle
    else high = middle - 1
  }
  return low
}
