/** Answers kept so that only who knows the request's key can read them: what was shown once stays shown once. */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const keyBytes = 32
/** The size that GCM takes as it is (NIST SP 800-38D, 8.2). */
const ivBytes = 12
const tagBytes = 16

/** By which a kept answer is found; nothing leads back from it to a key that can't be guessed. */
export function digestOfKey (key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}

/** The text under a key; a new initialisation vector makes it another one each time. */
export function sealAnswer (text: string, key: string): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, sealingKey(key), iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** @throws Error when it was sealed under another key, or changed since */
export function openAnswer (sealed: string, key: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv(algorithm, sealingKey(key), bytes.subarray(0, ivBytes))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8')
}

function sealingKey (key: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', 'kept answer', keyBytes))
}
