/** The text of an API key: made, told from other text by its checksum, and kept only as a digest. */
import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const start = 'berth_'
/** 62^30 is more than 2^178: nobody guesses it, so the digest needs neither salt nor slowness. */
const randomLength = 30
/** 62^6 is more than 2^32. */
const checksumLength = 6
/** Enough to know a key by, far too little to guess the rest. */
const shownLength = start.length + 6

const shape = new RegExp(`^${start}[0-9A-Za-z]{${randomLength + checksumLength}}$`)

/** A new key: `berth_`, 30 random characters, and the CRC-32 of those in base 62, by which a scanner for secrets knows it. */
export function createKeyText (): string {
  const random = Array.from({ length: randomLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return `${start}${random}${checksum(random)}`
}

/** True when a credential is meant to be an API key. */
export function looksLikeKey (text: string): boolean {
  return text.startsWith(start)
}

/** True when the text is complete and its checksum right; whether there is such a key only the database knows. */
export function isKeyText (text: string): boolean {
  return shape.test(text) && text.endsWith(checksum(text.slice(start.length, -checksumLength)))
}

/** What is stored in place of the key: its SHA-256, hex. */
export function keyDigest (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The beginning, by which people know a key in a list. */
export function keyPrefix (text: string): string {
  return text.slice(0, shownLength)
}

function checksum (random: string): string {
  let [rest, digits] = [crc32(random), '']
  for (let place = 0; place < checksumLength; place++) {
    digits = `${alphabet[rest % alphabet.length]}${digits}`
    rest = Math.floor(rest / alphabet.length)
  }
  return digits
}
