/** Locks on resources: fair within this process, respected by other hosts, gone with a crash, and able to say who holds them. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { deleteLocksOfHost } from '../../db/workspace-locks.ts'
import type { WorkspaceStatus } from '../../openapi/schemas/workspace.ts'
import { createFairQueue, type FairQueue, type LockMode, type Ticket } from './fair-queue.ts'
import { busy, type LockHolder } from './lock-busy.ts'
import { createLockRows, type Acquired, type WantedLock } from './lock-rows.ts'
import { createSharedRows } from './shared-rows.ts'

export type { LockMode } from './fair-queue.ts'

export interface LockRequest {
  /** `workspace:<id>`, `project-workspace:<id>`; only to be had alone: `service:<reuseKey>`, `repository:<commonDir>`, `run-lease:<workspace>:<run>`. */
  resource: string
  mode: LockMode
  /** What is done meanwhile, in words that go on from "is busy:": `archiving`, `the job test`. */
  purpose: string
  /** The operation it is done under, if it is stored already. */
  operationId?: string | null
  /** How long to wait for others; 0 answers at once. */
  waitMs: number
  /** Gives up waiting. */
  signal?: AbortSignal
  /** The execution workspace that is locked, where its status has to be known. */
  workspaceId?: string
}

export interface HeldLock {
  /** Of that workspace, from when nobody stood in the way: it can't change any more. Null when there is none, or none was named. */
  workspaceStatus: WorkspaceStatus | null
  /** Names the operation once it is stored, so that those who find the resource busy can be pointed to it. */
  nameOperation (operationId: string): Promise<void>
}

export interface Locks {
  /**
   * Runs `step` while holding the lock. Throws WorkspaceBusy, naming purpose and operation of the holder, when the lock
   * is not to be had within `waitMs`. Not reentrant: a step that asks for the same resource again waits for itself.
   */
  withLock<T> (request: LockRequest, step: (held: HeldLock) => Promise<T>): Promise<T>
  /** Deletes what an earlier process of this host left. Call before the first `withLock`; answers how many. */
  releaseAllOf (hostId: string): Promise<number>
  /** Who holds the resource in this process now. */
  holdersOf (resource: string): LockHolder[]
  /** Resolves once every lock that was given up is gone from the database too. Call before that is closed. */
  settled (): Promise<void>
}

export interface LocksOptions {
  db: Db
  hostId: string
  now?: () => Date
  /** A host without a heart-beat for this long is dead, its locks void. */
  staleMs?: number
  /** Told when a lock could not be given back; this host heals it the next time it meets it. */
  onReleaseFailure?: (error: unknown, resource: string) => void
}

const defaultStaleMs = 60_000

/** Waits for the ticket's turn; throws what `refuse` makes once the time is over, the signal's reason when it aborts. */
async function waitForTurn (ticket: Ticket, waitMs: number, signal: AbortSignal | undefined, refuse: () => Error): Promise<void> {
  if (ticket.granted) return
  if (waitMs <= 0) throw refuse()
  const { promise: given, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal?.reason)
  const timer = setTimeout(() => reject(refuse()), waitMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([ticket.turn, given])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Rows on their way out: nobody who gave a lock up waits for that, only who wants the same one next. */
function createReleases (onFailure: (error: unknown, resource: string) => void) {
  const pending = new Map<string, Promise<void>>()
  return {
    add (resource: string, release: Promise<void>): void {
      const gone = Promise.all([pending.get(resource), release.catch((error: unknown) => onFailure(error, resource))])
        .then(() => { if (pending.get(resource) === gone) pending.delete(resource) })
      pending.set(resource, gone)
    },
    of: async (resource: string): Promise<void> => { await pending.get(resource) },
    all: async (): Promise<void> => { await Promise.all(pending.values()) }
  }
}

/** The locks of one host. */
export function createLocks ({ db, hostId, now = () => new Date(), staleMs = defaultStaleMs, onReleaseFailure = () => {} }: LocksOptions): Locks {
  const queues = new Map<string, FairQueue<LockHolder>>()
  const rows = createLockRows({ db, hostId, staleMs })
  const shared = createSharedRows(rows)
  const releases = createReleases(onReleaseFailure)

  function queueOf (resource: string): FairQueue<LockHolder> {
    const queue = queues.get(resource) ?? createFairQueue<LockHolder>()
    queues.set(resource, queue)
    return queue
  }

  function leave (resource: string, queue: FairQueue<LockHolder>, ticket: Ticket): void {
    ticket.leave()
    if (queue.empty) queues.delete(resource)
  }

  async function acquire (wanted: WantedLock): Promise<Acquired & { release: () => Promise<void> }> {
    if (wanted.mode === 'shared') return await shared.acquire(wanted)
    return { ...await rows.acquire(wanted), release: async () => await rows.release(wanted.holder.id) }
  }

  async function whileStored<T> (request: LockRequest, holder: LockHolder, deadline: number, step: (held: HeldLock) => Promise<T>): Promise<T> {
    await releases.of(request.resource)
    const { workspaceStatus, release } = await acquire({ ...request, holder, deadline })
    try {
      return await step({
        workspaceStatus,
        async nameOperation (operationId) {
          holder.operationId = operationId
          await rows.nameOperation(holder.id, operationId)
        }
      })
    } finally {
      releases.add(request.resource, release())
    }
  }

  return {
    async withLock (request, step) {
      const { resource, mode, purpose, operationId = null, waitMs, signal } = request
      signal?.throwIfAborted()
      const deadline = performance.now() + waitMs
      const holder: LockHolder = { id: randomUUID(), purpose, operationId, hostId, since: now() }
      const queue = queueOf(resource)
      const before = queue.holders()
      const ticket = queue.join(mode, holder)
      try {
        await waitForTurn(ticket, waitMs, signal, () => busy(resource, queue.holders()[0] ?? before[0]))
        return await whileStored(request, holder, deadline, step)
      } finally {
        leave(resource, queue, ticket)
      }
    },
    releaseAllOf: async (id) => await deleteLocksOfHost(db, id),
    holdersOf: (resource) => queues.get(resource)?.holders() ?? [],
    settled: releases.all
  }
}
