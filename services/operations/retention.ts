/** Removes what is past its time: logs of operations, operations themselves, events, activity; a few at a time. */
import { deleteActivityBefore } from '../../db/activity.ts'
import type { Db } from '../../db/client.ts'
import { deleteEventsBefore } from '../../db/company-events.ts'
import { deleteOperations, forgetLogs, listOldLogs, listOldOperations, shortestLogRetention, type OldOperation } from '../../db/old-operations.ts'
import type { LogStore } from './log-store.ts'
import { paced } from './paced.ts'

/** In days; null: for ever. */
export interface RetentionTimes {
  /** Of operations and of services; a project's `cleanupPolicy.retainLogDays` goes before it. */
  logDays: number | null
  operationDays: number | null
  eventDays: number | null
  activityDays: number | null
}

export interface RetentionDeps {
  db: Db
  hostId: string
  logStore: Pick<LogStore, 'remove'>
  times: RetentionTimes
  now: () => Date
}

export interface RemovedCounts {
  operationLogs: number
  operations: number
}

export interface SharedCounts {
  events: number
  activity: number
}

const rowsAtOnce = 200
const dayMs = 86_400_000

/** The time before which something kept for so many days is past its time. */
export function cutoff (now: Date, days: number): Date {
  return new Date(now.getTime() - days * dayMs)
}

/**
 * Removes what is past its time, of this host. What runs, and what reopening a workspace needs, stays.
 * May be cut off at any moment and done again.
 */
export async function removeExpired (deps: RetentionDeps, signal: AbortSignal): Promise<RemovedCounts> {
  const { times, now } = deps
  const operationLogs = await removeLogs(deps, signal)
  const operations = times.operationDays === null ? 0 : await removeOperations(deps, cutoff(now(), times.operationDays), signal)
  return { operationLogs, operations }
}

/** Removes what is past its time of what no host has for itself: events and activity. May be cut off at any moment and done again. */
export async function removeSharedExpired (deps: Pick<RetentionDeps, 'db' | 'times' | 'now'>, signal: AbortSignal): Promise<SharedCounts> {
  const { times } = deps
  return {
    events: await removeOlder(deps, times.eventDays, deleteEventsBefore, signal),
    activity: await removeOlder(deps, times.activityDays, deleteActivityBefore, signal)
  }
}

/**
 * Repeats a deletion of at most `limit` rows until it finds none.
 * @returns how many rows went
 */
async function removeOlder ({ db, now }: Pick<RetentionDeps, 'db' | 'now'>, days: number | null, removeSome: (db: Db, before: Date, limit: number) => Promise<number>, signal: AbortSignal): Promise<number> {
  if (days === null) return 0
  const before = cutoff(now(), days)
  let total = 0
  await paced(signal, async () => {
    const count = await removeSome(db, before, rowsAtOnce)
    total += count
    return count > 0
  })
  return total
}

async function removeLogs ({ db, hostId, logStore, times, now }: RetentionDeps, signal: AbortSignal): Promise<number> {
  const days = [times.logDays, await shortestLogRetention(db)].filter(one => one !== null)
  if (days.length === 0) return 0
  const time = now()
  const before = cutoff(time, Math.min(...days))
  let after: OldOperation | null = null
  let total = 0
  await paced(signal, async () => {
    const rows = await listOldLogs(db, { hostId, before, limit: rowsAtOnce, after })
    const due = rows.filter(row => {
      const keptDays = row.retainDays ?? times.logDays
      return keptDays !== null && new Date(row.finishedAt) < cutoff(time, keptDays)
    })
    // The files first: a row that names a log that is gone is put right the next time.
    for (const { logRef } of due) await logStore.remove(logRef)
    if (due.length > 0) await forgetLogs(db, due.map(({ id }) => id))
    total += due.length
    after = rows.at(-1) ?? null
    return rows.length === rowsAtOnce
  })
  return total
}

async function removeOperations ({ db, hostId, logStore }: RetentionDeps, before: Date, signal: AbortSignal): Promise<number> {
  let after: OldOperation | null = null
  let total = 0
  await paced(signal, async () => {
    const rows = await listOldOperations(db, { hostId, before, limit: rowsAtOnce, after })
    for (const { logRef } of rows) if (logRef !== null) await logStore.remove(logRef)
    if (rows.length > 0) await deleteOperations(db, rows.map(({ id }) => id))
    total += rows.length
    after = rows.at(-1) ?? null
    return rows.length === rowsAtOnce
  })
  return total
}
