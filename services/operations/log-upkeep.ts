/** Compresses the logs of operations that ended a while ago, one after the other. */
import type { Db } from '../../db/client.ts'
import { listUncompressedLogs, markLogCompressed, type OldOperation } from '../../db/old-operations.ts'
import type { LogStore } from './log-store.ts'
import type { RecorderLog } from './operation-handle.ts'
import { paced } from './paced.ts'

export interface LogUpkeepDeps {
  db: Db
  hostId: string
  logStore: Pick<LogStore, 'compress'>
  /** From an operation's end to the compression of its log: what is new is read most. */
  compressAfterMs: number
  now: () => Date
  log: RecorderLog
}

const rowsAtOnce = 50

/** Compresses what is due; answers how many logs it were. One that can't be is told of and left as it is until the next time. */
export async function compressDueLogs (deps: LogUpkeepDeps, signal: AbortSignal): Promise<number> {
  const { db, hostId, compressAfterMs, now } = deps
  const before = new Date(now().getTime() - compressAfterMs)
  let after: OldOperation | null = null
  let count = 0
  await paced(signal, async () => {
    const rows = await listUncompressedLogs(db, { hostId, before, limit: rowsAtOnce, after })
    for (const row of rows) {
      if (signal.aborted) return false
      if (await compressOne(deps, row, signal)) count++
    }
    after = rows.at(-1) ?? null
    return rows.length === rowsAtOnce
  })
  return count
}

async function compressOne ({ db, logStore, log }: LogUpkeepDeps, { id, logRef, logSha256 }: { id: string, logRef: string, logSha256: string }, signal: AbortSignal): Promise<boolean> {
  try {
    if (!await logStore.compress(logRef, logSha256, signal)) return false
    await markLogCompressed(db, id)
    return true
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error, operationId: id }, 'a log can not be compressed')
    return false
  }
}
