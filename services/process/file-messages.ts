/** What is said between the service and its file hand, as JSON: calls of `Files`, and how each ended. */
import type { Files } from './files.ts'

/** `create` is made of the others. */
export type FileCall = Exclude<keyof Files, 'create'>

export interface FileRequest { id: number, call: FileCall, args: unknown[] }
export type FileAnswer = { id: number, value?: unknown } | { id: number, error: { code?: string, message: string } }

/** JSON has no bytes: they go as `{ bytes: base64 }`. */
export function packed (value: unknown): unknown {
  return Buffer.isBuffer(value) ? { bytes: value.toString('base64') } : value
}

export function unpacked (value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bytes' in value && typeof value.bytes === 'string' ? Buffer.from(value.bytes, 'base64') : value
}
