/**
 * The rows behind the locks, which other hosts go by. A holder inserts its row and then looks for others, so that of
 * two at once at least one sees the other: a shared one then steps back, an exclusive one stays (no new shared one gets
 * in) and waits for those before it to leave. One exclusive row a resource is the database's own rule: where nobody ever
 * shares, it tells all, and nobody has to look.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import { deleteLock, deleteLocks, deleteLocksOfDeadHosts, insertLock, lookAtLock, nameLockOperation, type LockLook } from '../../db/workspace-locks.ts'
import type { Row } from '../../db/tables.ts'
import type { LockMode } from './fair-queue.ts'
import { busy, type LockHolder } from './lock-busy.ts'
import { together } from './together.ts'

/** What is to be held. */
export interface WantedLock {
  resource: string
  mode: LockMode
  holder: LockHolder
  /** `performance.now()` */
  deadline: number
  signal?: AbortSignal | undefined
  /** The execution workspace whose status is asked for in the same breath. */
  workspaceId?: string | undefined
}

/** What was seen when nobody stood in the way. */
export type Acquired = Pick<LockLook, 'workspaceStatus'>

export interface LockRows {
  /** Stores the holder. Throws WorkspaceBusy when another host holds the resource until the deadline. */
  acquire (wanted: WantedLock): Promise<Acquired>
  /** Whether somebody who shares the resource by a row of this process stands alone with it; null when another host stands in the way. */
  lookAs (holderId: string, wanted: WantedLock): Promise<Acquired | null>
  nameOperation (id: string, operationId: string): Promise<void>
  release (id: string): Promise<void>
}

/** Another host tells nobody when it leaves; asked often at first, then less. */
const firstPollMs = 10
const maxPollMs = 250
/** A shared lock of another host that is about to step back is waited for even by those who do not want to wait. */
const stepBackMs = 50

/** Workspaces are shared by what runs in them; everything else is only ever had alone. */
function canBeShared (resource: string): boolean {
  return /^(project-)?workspace:/.test(resource)
}

function holderOf (row: Row<'workspace_locks'>): LockHolder {
  return { id: row.id, purpose: row.purpose, operationId: row.operation_id, hostId: row.host_id, since: row.acquired_at }
}

/** Waits; throws the signal's reason when it aborts. */
async function pause (ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

export function createLockRows ({ db, hostId, staleMs }: { db: Db, hostId: string, staleMs: number }): LockRows {
  /** Ids of this process's rows: a row of this host that is not among them is a leftover. */
  const own = new Set<string>()
  // A stop gives up its service and its workspace in one breath.
  const giveUp = together<string>(async ids => await deleteLocks(db, ids))

  /** Removes a leftover that stands in the way; true when there was one. */
  async function clear (row: Row<'workspace_locks'>): Promise<boolean> {
    if (row.host_id !== hostId) return await deleteLocksOfDeadHosts(db, row.resource, staleMs) > 0
    if (own.has(row.id)) return false
    await deleteLock(db, row.id)
    return true
  }

  const look = async (ownId: string, { resource, mode, workspaceId }: WantedLock): Promise<LockLook> => await lookAtLock(db, { resource, mode, ownId, workspaceId: workspaceId ?? null })

  /** One try; answers who stands in the way. */
  async function attempt (wanted: WantedLock, stored: boolean): Promise<LockLook & { stored: boolean }> {
    const { resource, mode, holder } = wanted
    const row = { id: holder.id, resource, mode, purpose: holder.purpose, host_id: hostId, operation_id: holder.operationId, acquired_at: holder.since }
    const inserted = stored || await insertLock(db, row)
    if (inserted && !canBeShared(resource)) return { stored: true, other: undefined, workspaceStatus: null }
    const seen = await look(holder.id, wanted)
    if (inserted && seen.other !== undefined && mode === 'shared') {
      await deleteLock(db, holder.id)
      return { ...seen, stored: false }
    }
    return { ...seen, stored: inserted }
  }

  async function acquire (wanted: WantedLock): Promise<Acquired> {
    const { resource, deadline, signal } = wanted
    const lastTry = Math.max(deadline, performance.now() + stepBackMs)
    let stored = false
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, maxPollMs)) {
      const tried = await attempt(wanted, stored)
      stored = tried.stored
      if (stored && tried.other === undefined) return tried
      // Not stored and nobody there: the holder has just left.
      if (tried.other === undefined || await clear(tried.other)) continue
      const restMs = lastTry - performance.now()
      if (restMs <= 0) throw busy(resource, holderOf(tried.other))
      await pause(Math.min(pollMs, restMs), signal)
    }
  }

  return {
    async acquire (wanted) {
      if (wanted.mode === 'shared' && !canBeShared(wanted.resource)) throw new TypeError(`${wanted.resource} is nothing to share`)
      own.add(wanted.holder.id)
      try {
        return await acquire(wanted)
      } catch (error) {
        own.delete(wanted.holder.id)
        await deleteLock(db, wanted.holder.id)
        throw error
      }
    },
    async lookAs (holderId, wanted) {
      const { other, workspaceStatus } = await look(holderId, wanted)
      return other === undefined ? { workspaceStatus } : null
    },
    nameOperation: async (id, operationId) => await nameLockOperation(db, id, operationId),
    async release (id) {
      own.delete(id)
      await giveUp(id)
    }
  }
}
