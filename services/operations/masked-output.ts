/** One output stream on its way to the log: bytes to text, secrets masked also across chunks, the last of it kept. */
import { StringDecoder } from 'node:string_decoder'
import type { Redactor } from './redact.ts'

/** How much of the end of each stream an operation shows by itself, in characters. */
export const excerptChars = 4096

export interface MaskedOutput {
  /** Takes output; gives the masked text that can be shown now. Bytes of a cut character and text that may be the beginning of a secret wait. */
  take (chunk: Buffer | string, redactor: Redactor): string
  /** The masked rest, when no more comes. */
  flush (redactor: Redactor): string
  /** The last 4,096 characters given out so far; null when there were none. */
  excerpt (): string | null
}

export function createMaskedOutput (): MaskedOutput {
  const decoder = new StringDecoder('utf8')
  let held = ''
  let tail = ''

  function show (masked: string): string {
    tail = (masked.length >= excerptChars ? masked : tail + masked).slice(-excerptChars)
    return masked
  }

  return {
    take (chunk, redactor) {
      const all = held + (typeof chunk === 'string' ? chunk : decoder.write(chunk))
      const safe = redactor.safeLength(all)
      held = all.slice(safe)
      return show(redactor.mask(all.slice(0, safe)))
    },
    flush (redactor) {
      const rest = held + decoder.end()
      held = ''
      return show(redactor.mask(rest))
    },
    excerpt: () => tail === '' ? null : tail
  }
}
