/** Whether a running service should be stopped: by the end of the run it belongs to, or by its stop policy. Pure. */
import type { ServiceRow } from '../../db/runtime-services.ts'

export type StoppableService = Pick<ServiceRow, 'lifecycle' | 'scope_type' | 'scope_id' | 'started_by_run_id' | 'stop_policy' | 'last_used_at'>

/** What the leases on the workspaces that use a service say. */
export interface LeaseFacts {
  /** Runs that hold one of the workspaces. */
  heldBy: readonly string[]
  /** Runs whose lease ended since the service was started, the last one first. */
  ended: readonly string[]
}

export type StopCause = 'run_finished' | 'idle'

export type StopDecision =
  /** `runId` is the run whose lease ended; null for an idle service. `reason` is a sentence. */
  | { stop: true, cause: StopCause, runId: string | null, reason: string }
  /** One that is due is kept by the runs in `heldBy` alone. */
  | { stop: false, isDue: boolean, heldBy: readonly string[] }

/** Unless the policy says otherwise. */
const defaultIdleSeconds = 1800

/** Decides for one service. A live lease always wins, but for a service of a run only that of its own run counts. */
export function decideStop (service: StoppableService, { heldBy, ended }: LeaseFacts, now: Date): StopDecision {
  const own = ownRunOf(service)
  if (own !== null && ended.includes(own)) {
    if (heldBy.includes(own)) return { stop: false, isDue: true, heldBy: [own] }
    return { stop: true, cause: 'run_finished', runId: own, reason: `It belonged to run ${own}, whose lease has ended.` }
  }
  const due = duePolicy(service, ended[0] ?? null, now)
  return due === null || heldBy.length > 0 ? { stop: false, isDue: due !== null, heldBy } : due
}

/** The run a service belongs to; null when it is there for everybody. */
function ownRunOf ({ lifecycle, scope_type: scopeType, scope_id: scopeId, started_by_run_id: runId }: StoppableService): string | null {
  if (scopeType === 'run') return scopeId
  return lifecycle === 'ephemeral' ? runId : null
}

/** What the policy says as far as no lease is live. */
function duePolicy ({ stop_policy: policy, last_used_at: lastUsedAt }: StoppableService, lastRunId: string | null, now: Date): StopDecision | null {
  switch (policy?.['type']) {
    case 'on_run_finish':
      return lastRunId === null ? null : { stop: true, cause: 'run_finished', runId: lastRunId, reason: `It stops with the last run, and the lease of run ${lastRunId} has ended.` }
    case 'idle_timeout': {
      const idleSeconds = idleSecondsOf(policy)
      if (now.getTime() - lastUsedAt.getTime() < idleSeconds * 1000) return null
      return { stop: true, cause: 'idle', runId: null, reason: `It was idle for ${idleSeconds} s: no run holds it, and it was last used at ${lastUsedAt.toISOString()}.` }
    }
    default: return null
  }
}

function idleSecondsOf (policy: Readonly<Record<string, unknown>>): number {
  return typeof policy['idleSeconds'] === 'number' ? policy['idleSeconds'] : defaultIdleSeconds
}

/** When a stop policy ends a service that no run holds (null: not by the time), and by what, after "it stops". Null without one. */
export function duePolicyAt (policy: Readonly<Record<string, unknown>> | null, lastUsedAt: Date): { at: Date | null, words: string } | null {
  switch (policy?.['type']) {
    case 'on_run_finish': return { at: null, words: 'with the last run' }
    case 'idle_timeout': {
      const idleSeconds = idleSecondsOf(policy)
      return { at: new Date(lastUsedAt.getTime() + idleSeconds * 1000), words: `when it was idle for ${idleSeconds} s` }
    }
    default: return null
  }
}
