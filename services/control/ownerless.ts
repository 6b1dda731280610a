/** Ends operations that nobody works at any more: of hosts that gave no sign of life, of earlier processes of this one. */
import type { Db } from '../../db/client.ts'
import { listOwners } from '../../db/workspace-operations.ts'
import { createHostWatch } from '../operations/host-watch.ts'
import type { Recorder, UnfinishedOperation } from '../operations/recorder.ts'
import { startRepeated } from '../operations/repeated.ts'
import { terminate, type StopProof } from '../process/terminate.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'

export interface OwnerlessDeps {
  db: Db
  hostId: string
  recorder: Pick<Recorder, 'unfinished' | 'interrupt' | 'interruptAllOf' | 'orphans' | 'settleOrphan'>
  log: RuntimeLog
}

export interface SweepTimes {
  /** Between two looks. */
  everyMs: number
  /** Without a heart-beat for this long a host is dead. */
  staleMs: number
}

/** Hosts beat every 5 s: two may get lost. A last beat is seen within 3 s, and its age with the look after: 24 s at most, of the 30 s allowed. */
export const sweepTimes: SweepTimes = { everyMs: 3_000, staleMs: 18_000 }

/** A command of an operation that was cut off gets this long to end by itself. */
const graceMs = 2_000

/** Ends every process of an operation on this machine; null when it never had any. */
async function endProcesses ({ mark, process }: UnfinishedOperation): Promise<StopProof | null> {
  return mark === null && process === null ? null : await terminate({ root: process, mark, graceMs })
}

/** As a sentence to go on with; empty when there was none. */
function endedWords (proof: StopProof | null): string {
  const ended = proof?.membersBefore.length ?? 0
  return ended === 0 ? '' : ` ${ended === 1 ? '1 process of it was' : `${ended} processes of it were`} ended.`
}

/**
 * Puts an operation an earlier process of this host left to `interrupted`.
 * Its processes first: while one of them may live, the operation is not over.
 */
export async function interruptLeftover ({ recorder }: { recorder: Pick<Recorder, 'interrupt'> }, operation: UnfinishedOperation): Promise<void> {
  const proof = await endProcesses(operation)
  await recorder.interrupt(operation.id, {
    reason: `The service stopped while this was under way.${endedWords(proof)}`,
    ...(proof === null ? {} : { metadata: { stop: proof } })
  })
}

/** Ends what lives here of operations that others have put to `interrupted` while this host seemed dead. */
export async function endOrphan ({ recorder }: { recorder: Pick<Recorder, 'settleOrphan'> }, operation: UnfinishedOperation): Promise<void> {
  const proof = await endProcesses(operation)
  await recorder.settleOrphan(operation.id, proof === null || proof.membersBefore.length === 0 ? {} : { stop: { ...proof } })
}

export interface Sweep {
  /** Looks once; gives how many operations were ended. */
  look (nowMs: number): Promise<number>
}

export function createSweep (deps: OwnerlessDeps, { everyMs, staleMs }: SweepTimes): Sweep {
  const { db, hostId, recorder, log } = deps
  const hosts = createHostWatch({ staleMs, maxGapMs: 3 * everyMs })
  /** What the look before found without an owner here: an operation that is just beginning is not yet known to its recorder. */
  let suspects = new Set<string>()

  async function endForeign (nowMs: number): Promise<number> {
    const others = (await listOwners(db)).filter(owner => owner.hostId !== hostId)
    let count = 0
    for (const owner of hosts.observe(others, nowMs)) {
      const ended = await recorder.interruptAllOf(owner, `The host it ran on (${owner.hostId}) has given no sign of life for ${staleMs / 1000} s.`)
      if (ended.length > 0) log.warn({ hostId: owner.hostId, operations: ended.map(({ id }) => id) }, 'operations of a host that is gone were interrupted')
      count += ended.length
      // On the machine of that host, which may be this one; else that host does it when it comes back.
      for (const operation of ended) await endThoseHere(operation)
    }
    return count
  }

  async function endThoseHere (operation: UnfinishedOperation): Promise<void> {
    const proof = await endProcesses(operation)
    if (proof !== null && proof.membersBefore.length > 0) await recorder.settleOrphan(operation.id, { stop: { ...proof } })
  }

  async function endOwn (): Promise<number> {
    const left = await recorder.unfinished()
    const sure = left.filter(({ id }) => suspects.has(id))
    suspects = new Set(left.map(({ id }) => id))
    for (const operation of sure) await interruptLeftover(deps, operation)
    return sure.length
  }

  return { look: async nowMs => await endOwn() + await endForeign(nowMs) }
}

/** Looks until stopped; the stop resolves when no look is under way any more. */
export function startSweeping (deps: OwnerlessDeps, times: SweepTimes = sweepTimes): () => Promise<void> {
  const sweep = createSweep(deps, times)
  return startRepeated({
    everyMs: times.everyMs,
    look: async () => await sweep.look(performance.now()),
    onFailure: error => deps.log.warn({ err: error }, 'a look for operations without an owner has failed')
  })
}
