/**
 * Those of one process who share a resource at the same time have one row for it: what other hosts go by is that there is one.
 * What it says of its holder is true of the first of them. Each looks for itself whether somebody waits to have it alone, so
 * that nobody who keeps coming holds that one up for ever.
 */
import { settlesWithin } from '../process/settles-within.ts'
import type { Acquired, LockRows, WantedLock } from './lock-rows.ts'

export interface SharedRows {
  /** Shares the resource. Throws WorkspaceBusy when another host has it alone until the deadline. */
  acquire (wanted: WantedLock): Promise<Acquired & { release: () => Promise<void> }>
}

interface SharedRow { id: string, users: number, stored: Promise<Acquired> }

export function createSharedRows (rows: Pick<LockRows, 'acquire' | 'lookAs' | 'release'>): SharedRows {
  const current = new Map<string, SharedRow>()

  /** Once each: the last one to leave takes the row along. */
  async function leave (resource: string, row: SharedRow): Promise<void> {
    row.users -= 1
    if (row.users > 0) return
    if (current.get(resource) === row) current.delete(resource)
    await rows.release(row.id)
  }

  /** As one more user of a row that is there, or is just being stored; null when that does not work out in time. */
  async function join (wanted: WantedLock, row: SharedRow): Promise<Acquired | null> {
    row.users += 1
    let seen: Acquired | null = null
    try {
      // Why another one could not have it (it was told to end, its time was up) is no reason for this one.
      const isStored = await settlesWithin(row.stored, Math.max(0, wanted.deadline - performance.now())).catch(() => false)
      seen = isStored ? await rows.lookAs(row.id, wanted) : null
    } finally {
      if (seen === null) await leave(wanted.resource, row)
    }
    return seen
  }

  async function storeOwn (wanted: WantedLock): Promise<Acquired & { row: SharedRow }> {
    const { resource, holder } = wanted
    const row: SharedRow = { id: holder.id, users: 1, stored: rows.acquire(wanted) }
    if (!current.has(resource)) current.set(resource, row)
    try {
      return { ...await row.stored, row }
    } catch (error) {
      // There is no row: those who have joined store their own.
      if (current.get(resource) === row) current.delete(resource)
      throw error
    }
  }

  return {
    async acquire (wanted) {
      const { resource } = wanted
      const row = current.get(resource)
      const joined = row === undefined ? null : await join(wanted, row)
      if (row !== undefined && joined !== null) return { ...joined, release: async () => await leave(resource, row) }
      const { row: own, ...seen } = await storeOwn(wanted)
      return { ...seen, release: async () => await leave(resource, own) }
    }
  }
}
