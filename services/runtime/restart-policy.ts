/** Whether a service that ended is started again, and when. Pure. */
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import type { ProcessExit } from '../process/spawn.ts'

export interface RestartRule {
  policy: 'never' | 'on_failure' | 'always'
  /** Restarts in a row; null for any number. */
  maxRetries: number | null
  /** Before the first restart; doubled with each one in a row. */
  backoffMs: number
}

/** How a service came to its end. */
export interface ServiceEnd {
  /** `exited`: its process ended. `unhealthy`: its health probe failed too often. `not_ready`: a restart did not get ready. */
  cause: 'exited' | 'unhealthy' | 'not_ready'
  /** Null where no exit was seen. */
  exit: ProcessExit | null
}

export type AfterEnd =
  /** `streak` counts this restart. */
  | { restart: true, delayMs: number, streak: number }
  /** `gaveUp`: its policy would start it again, but it was tried too often. */
  | { restart: false, gaveUp: boolean }

const defaultBackoffMs = 1_000
/** Long enough to leave the machine alone, short enough that a mended cause is soon noticed. */
const maxBackoffMs = 60_000
/** A service that ran this long is taken to be well: the next failure begins at the first backoff again. */
export const stableMs = 60_000

/** The rule of an entry; without one nothing is ever restarted. */
export function restartRuleOf ({ restart }: Pick<CommandEntry, 'restart'>): RestartRule {
  return { policy: restart?.policy ?? 'never', maxRetries: restart?.maxRetries ?? null, backoffMs: restart?.backoffMs ?? defaultBackoffMs }
}

/**
 * What follows the end of a service.
 * @param streak restarts in a row before this end
 * @param ranMs how long it had been ready; 0 when it never was
 */
export function decideRestart (rule: RestartRule, end: ServiceEnd, { streak: before, ranMs }: { streak: number, ranMs: number }): AfterEnd {
  if (rule.policy === 'never' || (rule.policy === 'on_failure' && !isFailure(end))) return { restart: false, gaveUp: false }
  const streak = ranMs >= stableMs ? 0 : before
  if (rule.maxRetries !== null && streak >= rule.maxRetries) return { restart: false, gaveUp: true }
  return { restart: true, delayMs: backoffOf(rule, streak), streak: streak + 1 }
}

/** Anything but a seen exit with code 0: what nobody saw may have been a crash. */
function isFailure ({ cause, exit }: ServiceEnd): boolean {
  return cause !== 'exited' || exit?.code !== 0
}

function backoffOf ({ backoffMs }: RestartRule, streak: number): number {
  // 2 ** 1000 is finite enough for the minimum to take over.
  return Math.min(backoffMs * 2 ** streak, Math.max(maxBackoffMs, backoffMs))
}
