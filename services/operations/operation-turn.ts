/** The turn of one operation: since when it works, and whether that is in its row yet. */
import type { Db } from '../../db/client.ts'
import type { Row } from '../../db/tables.ts'
import { updateUnfinishedOperation, type OperationPatch } from '../../db/workspace-operations.ts'
import { settlesWithin } from '../process/settles-within.ts'
import type { RecorderLog } from './operation-handle.ts'
import { throughOutage } from './through-outage.ts'

export interface OperationTurn {
  /** Stores that it waits for its turn. */
  waitInLine (): Promise<void>
  /** Its turn has come: it starts anew. Stored in a moment, unless it closes before. */
  start (): void
  /** It is about to end: nothing more is stored of its turn, the end tells it. */
  close (): void
  /** Waits for what is being stored; gives what the end has to say of the turn. */
  settled (): Promise<OperationPatch>
  /** When it has ended by this time: never before its start plus the time it took, however the clock was set meanwhile. */
  endedBy (now: Date): Date
}

interface TurnOptions {
  db: Db
  row: Pick<Row<'workspace_operations'>, 'id' | 'status' | 'started_at'>
  now: () => Date
  log: RecorderLog
}

/** A turn that is over sooner is worth no change of its own, and no event. */
const storedAfterMs = 20

/** The turn of an operation whose row has just been stored. */
export function createTurn ({ db, row, now, log }: TurnOptions): OperationTurn {
  const closed = Promise.withResolvers<void>()
  let status = row.status
  let since = { at: row.started_at, ms: performance.now() }
  let begun: Promise<void> | null = null

  async function store (at: Date): Promise<void> {
    if (await settlesWithin(closed.promise, storedAfterMs)) return
    await updateUnfinishedOperation(db, row.id, { status: 'running', started_at: at, updated_at: at })
  }

  return {
    async waitInLine () {
      if (status === 'queued') return
      status = 'queued'
      const at = now()
      await throughOutage(async () => await updateUnfinishedOperation(db, row.id, { status: 'queued', started_at: at, updated_at: at }))
    },
    start () {
      if (status === 'running') return
      status = 'running'
      since = { at: now(), ms: performance.now() }
      begun = store(since.at).catch((error: unknown) => log.warn({ err: error, operationId: row.id }, 'that an operation has begun could not be stored; its end tells it'))
    },
    close: closed.resolve,
    async settled () {
      if (begun === null) return {}
      // Once an operation has ended nothing of it is under way; the row itself would take no turn any more.
      await begun
      return { started_at: since.at }
    },
    endedBy: now => new Date(Math.max(now.getTime(), since.at.getTime() + Math.round(performance.now() - since.ms)))
  }
}
