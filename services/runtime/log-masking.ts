/** Masks the secrets in the log of a service that has ended, in the file itself: the kernel wrote it as it came. */
import { open, type FileHandle } from 'node:fs/promises'
import type { Redactor } from '../operations/redact.ts'
import type { LiveService, RuntimeLog } from './live-services.ts'
import { keptFrom } from './log-file.ts'

const pieceBytes = 262_144

/**
 * Writes asterisks over every secret, as many as it has bytes: places in the log stay what they are, so readers and
 * the marks they come back with notice nothing. May be cut off and done again.
 * @param redactor knows the values the service was started with
 * @returns how many secrets there were
 */
export async function maskLogFile (path: string, redactor: Redactor): Promise<number> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return 0
  try {
    return await maskOpenFile(file, path, redactor.ofBytes)
  } finally {
    await file.close()
  }
}

export type EndedService = Pick<LiveService, 'id' | 'logPath' | 'env'>

/** Masks the log of a service whose processes have all ended, by what it was started with. Never rejects. */
export async function maskEndedLog ({ id, logPath, env }: EndedService, redactor: Redactor, log: RuntimeLog): Promise<void> {
  await maskLogFile(logPath, redactor.with(env)).catch((err: unknown) => {
    log.warn({ err, runtimeServiceId: id }, 'the log of a service that has ended can not be masked')
  })
}

async function maskOpenFile (file: FileHandle, path: string, redactor: Redactor): Promise<number> {
  const { size } = await file.stat()
  let count = 0
  let held = ''
  for (let offset = await keptFrom(path, size); offset < size;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, offset)
    if (bytesRead === 0) break
    const start = offset - held.length
    offset += bytesRead
    const text = held + buffer.toString('latin1', 0, bytesRead)
    const safe = offset < size ? redactor.safeLength(text) : text.length
    const secrets = redactor.secrets(text.slice(0, safe))
    for (const { from, to } of secrets) await file.write(Buffer.alloc(to - from, '*'), 0, to - from, start + from)
    count += secrets.length
    held = text.slice(safe)
  }
  return count
}
