/** Finds the services that a stop policy or the end of their run ends, and stops them, a few at a time. */
import type { ServiceRow } from '../../db/runtime-services.ts'
import { judgeServices, type JudgedService } from '../runtime/leases.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'
import { stopByPolicy, type PolicyStop, type PolicyStopDeps, type Stopping } from './policy-stop.ts'

export interface PolicyStopsDeps extends PolicyStopDeps {
  log: RuntimeLog & { debug (fields: object, message: string): void }
}

export interface PolicyStops {
  /**
   * Stops what is due on this host, or of it only what the end of a run ends. Every one is tried.
   * @throws what the first that failed threw: StopIncomplete (422), WorkspaceBusy (409)
   */
  stopDue (ofRun?: EndedRun): Promise<PolicyStop[]>
  /** Begins no further stop; those under way go on. */
  close (): void
}

export interface EndedRun {
  runId: string
  /** False for services that whoever ends the run has no say over. */
  isOurs: (row: ServiceRow) => boolean
}

/** Each stop looks through all processes again and again; many at once would only slow each other down. */
const atOnce = 4
/** One that could not be stopped is tried again after this time. */
const retryMs = 60_000

export function createPolicyStops (deps: PolicyStopsDeps): PolicyStops {
  const { db, hostId, now, log } = deps
  const underWay = new Map<string, Promise<PolicyStop>>()
  const retryAt = new Map<string, number>()
  const toldHeld = new Set<string>()
  let closed = false

  async function due (ofRun: EndedRun | undefined): Promise<{ row: ServiceRow, decision: Stopping }[]> {
    const judged = await judgeServices(db, { hostId, now: now() })
    if (ofRun === undefined) forget(judged)
    return judged.flatMap(({ row, decision }) => {
      if (!decision.stop) return []
      const wanted = ofRun === undefined
        ? (retryAt.get(row.id) ?? 0) <= now().getTime()
        : decision.runId === ofRun.runId && ofRun.isOurs(row)
      return wanted ? [{ row, decision }] : []
    })
  }

  /** Says once of each service that is due that a run keeps it; nothing is remembered of services that are gone. */
  function forget (judged: readonly JudgedService[]): void {
    const ids = new Set(judged.map(({ row }) => row.id))
    for (const id of retryAt.keys()) if (!ids.has(id)) retryAt.delete(id)
    for (const id of toldHeld) if (!ids.has(id)) toldHeld.delete(id)
    for (const { row: { id, service_name: service }, decision } of judged) {
      if (decision.stop || !decision.isDue) toldHeld.delete(id)
      else if (!toldHeld.has(id)) {
        toldHeld.add(id)
        log.debug({ runtimeServiceId: id, service, heldBy: decision.heldBy }, 'a service is due to stop, but runs hold its workspace')
      }
    }
  }

  async function stopOnce (row: ServiceRow, decision: Stopping): Promise<PolicyStop> {
    const stopping = underWay.get(row.id) ?? stopByPolicy(deps, row, decision).finally(() => underWay.delete(row.id))
    underWay.set(row.id, stopping)
    try {
      return await stopping
    } catch (error) {
      retryAt.set(row.id, now().getTime() + retryMs)
      throw error
    }
  }

  return {
    async stopDue (ofRun) {
      const waiting = await due(ofRun)
      const results: PromiseSettledResult<PolicyStop>[] = []
      const worker = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          if (closed) return
          results.push(...await Promise.allSettled([stopOnce(next.row, next.decision)]))
        }
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
      const failed = results.find(result => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return results.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
    },
    close () { closed = true }
  }
}
