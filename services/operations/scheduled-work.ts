/** Work that comes round again and again, once for all who would do it: the next turn is a job in the database. */
import type { Db } from '../../db/client.ts'
import type { JobQueue, JobQueues } from '../../db/job-queue.ts'
import { WorkspaceBusy } from '../errors.ts'
import type { Locks } from './locks.ts'
import { startRepeated } from './repeated.ts'

export interface ScheduledWork {
  /** The queue of the work: those who name the same one share its turns. */
  name: string
  /** From the end of one turn to the next. */
  everyMs: number
  /** One turn. What it throws is told, and the next turn comes all the same. */
  work: () => Promise<void>
  onFailure: (error: unknown) => void
}

export interface ScheduleDeps {
  db: Db
  queues: JobQueues
  locks: Locks
  now: () => Date
}

/**
 * How often it is looked for a turn that is due, at most: two statements. Why not the cron of pg-boss: that knows minutes only, while
 * the interval is set in seconds; and it looks twice a minute on every host whether or not there is anything to come.
 */
const maxLookEveryMs = 30_000
/** A process that is killed in its turn holds up nobody: the others schedule the next one, and its lock goes with it. This is for its row. */
const expireInSeconds = 3_600
/** Of turns that were begun and whose process was killed, so many may lie there. */
const maxBegun = 1_000

interface Turn { name: string }

/** Looks until stopped, first after a while: who runs for moments only never opens the queue. The stop waits for the turn under way. */
export function startScheduled ({ db, queues, locks, now }: ScheduleDeps, { name, everyMs, work, onFailure }: ScheduledWork): () => Promise<void> {
  let opened: JobQueue<Turn> | null = null

  function next (): { data: Turn, group: string, key: string, startAfter: Date }[] {
    return [{ data: { name }, group: name, key: name, startAfter: new Date(now().getTime() + everyMs) }]
  }

  async function look (): Promise<void> {
    const queue = opened ??= await queues.open<Turn>(name, { expireInSeconds, onePerKey: true })
    const [turn] = await queue.take({ limit: 1, perGroup: maxBegun })
    // Of many that schedule the next turn one does; the others change nothing.
    if (turn === undefined) return await db.transaction().execute(async trx => { await queue.add(trx, next()) })
    try {
      // A turn may take longer than the time to the next one.
      await locks.withLock({ resource: `scheduled:${name}`, mode: 'exclusive', purpose: 'a turn of scheduled work', waitMs: 0 }, work)
    } catch (error) {
      if (!(error instanceof WorkspaceBusy)) onFailure(error)
    }
    await db.transaction().execute(async trx => {
      await queue.finish(trx, turn)
      await queue.add(trx, next())
    })
  }

  return startRepeated({ everyMs: Math.min(everyMs, maxLookEveryMs), look, onFailure })
}
