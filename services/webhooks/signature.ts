/** Secrets and signatures as https://www.standardwebhooks.com describes them: HMAC-SHA256 over id, time and body. */
import { createHmac, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
/** The scheme asks for 24 to 64 bytes. */
const secretBytes = 32

/** A new secret: `whsec_` and 32 random bytes in base64. */
export function createSecret (): string {
  return prefix + randomBytes(secretBytes).toString('base64')
}

export interface Signed {
  id: string
  /** The time of the attempt; receivers refuse what is too old. */
  timestamp: Date
  body: string
}

/** Headers of a message; one signature for each secret, the newest first. */
export function signatureHeaders ({ id, timestamp, body }: Signed, secrets: readonly string[]): Record<string, string> {
  const seconds = Math.floor(timestamp.getTime() / 1000)
  const sign = (secret: string): string => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
  }
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': secrets.map(sign).join(' ') }
}
