/** Brings what a service printed while it started into the log of the operation that started it. */
import type { OperationHandle } from '../operations/recorder.ts'
import { readLog } from './log-file.ts'

/** Enough for any boot; the whole of it stays in the service's own log. */
const maxCopiedBytes = 256 * 1024

/** Copies the lines printed since `fromByte`, masked by the environment's secrets too. */
export async function copyServiceLog (op: OperationHandle, log: { path: string, fromByte: number }, env: Record<string, string>): Promise<void> {
  op.log.addSecrets(env)
  let offset = log.fromByte
  while (offset < log.fromByte + maxCopiedBytes) {
    const piece = await readLog(log.path, { offset, limitBytes: 64 * 1024 })
    if (piece.content === '' || piece.nextOffset <= offset) return
    await op.log.write('stdout', piece.content)
    offset = piece.nextOffset
    if (offset >= piece.size) return
  }
}
