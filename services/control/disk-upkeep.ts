/** Measures workspaces in the background, one after the other, the one that was measured longest ago first. */
import type { Db } from '../../db/client.ts'
import { findLeastMeasured, storeDiskUse } from '../../db/disk-use.ts'
import { paced } from '../operations/paced.ts'
import { measureFolder } from '../workspaces/disk-use.ts'

export interface DiskUpkeepDeps {
  db: Db
  hostId: string
  now: () => Date
  log: { warn (fields: object, message: string): void }
}

/** A size that is older is measured anew. */
export const keptMs = 3_600_000

/** Measures what is due; answers how many workspaces that were. Ends early, without an error, when the signal aborts. */
export async function measureDue ({ db, hostId, now, log }: DiskUpkeepDeps, signal: AbortSignal): Promise<number> {
  let count = 0
  await paced(signal, async () => {
    const due = await findLeastMeasured(db, hostId, new Date(now().getTime() - keptMs))
    if (due === undefined) return false
    const bytes = await measureFolder(due.path, signal).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err, workspaceId: due.id }, 'the size of a workspace could not be measured')
      return null
    })
    if (signal.aborted) return false
    // Stored also when it could not be measured, so that the others have their turn.
    await storeDiskUse(db, due.id, bytes, now())
    count++
    return true
  })
  return count
}
