/** Which rule wants a workspace archived by itself, and when. Pure. */
import { cleanupPolicyLimits } from '../../db/cleanup-policy.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'

/** Of a project's `cleanupPolicy`: the fields the sweeper goes by. */
export interface CleanupPolicy {
  archiveIdleAfterSec: number | null
  retainRescueDays: number | null
}

/** Reads a stored `cleanupPolicy`, whose other fields are the client's own. */
export function readCleanupPolicy (stored: unknown): CleanupPolicy {
  const policy = typeof stored === 'object' && stored !== null ? stored as Record<string, unknown> : {}
  const take = (name: keyof CleanupPolicy): number | null => {
    const value = policy[name]
    return typeof value === 'number' && value >= 0 && value <= cleanupPolicyLimits[name] ? value : null
  }
  return { archiveIdleAfterSec: take('archiveIdleAfterSec'), retainRescueDays: take('retainRescueDays') }
}

export type SweepRule = 'cleanup_eligible_at' | 'archive_idle' | 'retry_cleanup'

export interface SweepDecision {
  rule: SweepRule
  /** From when on the rule applies. */
  at: Date
  /** Why, a sentence. */
  reason: string
}

export type SweepableRow = Pick<WorkspaceRow, 'status' | 'cleanup_eligible_at' | 'last_used_at'>

/** How the last archives of a workspace ended: how many in a row failed, and when the last of them did. */
export interface FailedArchives {
  count: number
  lastAt: Date | null
}

const openStatuses = ['active', 'idle', 'in_review']

// A cause that passes (a full disk, a lock) is often gone after minutes; one that stays should not fill the log.
const firstRetryMs = 5 * 60_000
const maxRetryMs = 24 * 3_600_000

/** The pause before the next try after `failures` failed ones: doubled each time, up to a day. */
export function retryDelayMs (failures: number): number {
  return Math.min(firstRetryMs * 2 ** Math.max(0, Math.min(failures, 30) - 1), maxRetryMs)
}

/**
 * The rule that archives a workspace first, whether its time has come or not; null when none ever does. What blocks an
 * archive (leases, open issues) is not looked at here.
 */
export function decideSweep (row: SweepableRow, policy: CleanupPolicy, failed: FailedArchives): SweepDecision | null {
  if (row.status === 'cleanup_failed') {
    const at = new Date((failed.lastAt ?? row.last_used_at).getTime() + retryDelayMs(failed.count))
    return { rule: 'retry_cleanup', at, reason: `Its clean-up failed ${failed.count <= 1 ? 'once' : `${failed.count} times in a row`}; it is tried again.` }
  }
  if (!openStatuses.includes(row.status)) return null
  const decisions: SweepDecision[] = []
  if (row.cleanup_eligible_at !== null) {
    decisions.push({ rule: 'cleanup_eligible_at', at: row.cleanup_eligible_at, reason: `Its cleanupEligibleAt is ${row.cleanup_eligible_at.toISOString()}.` })
  }
  if (policy.archiveIdleAfterSec !== null) {
    const at = new Date(row.last_used_at.getTime() + policy.archiveIdleAfterSec * 1000)
    decisions.push({ rule: 'archive_idle', at, reason: `Its project archives what was not used for ${policy.archiveIdleAfterSec} s, and it was last used at ${row.last_used_at.toISOString()}.` })
  }
  return decisions.toSorted((a, b) => a.at.getTime() - b.at.getTime())[0] ?? null
}

/** When the rescue snapshot of an archived workspace may go; null when it is kept. */
export function rescueExpiry (row: Pick<WorkspaceRow, 'status' | 'closed_at'>, { retainRescueDays }: CleanupPolicy): Date | null {
  if (row.status !== 'archived' || row.closed_at === null || retainRescueDays === null) return null
  return new Date(row.closed_at.getTime() + retainRescueDays * 86_400_000)
}
