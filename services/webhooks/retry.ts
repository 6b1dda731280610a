/** What comes after an attempt: done, another try later, or giving up. */

export interface RetryRules {
  /** Tries altogether, the first one included. */
  maxAttempts: number
  /** The longest pause between two tries, in seconds. */
  maxPauseSec: number
}

export type Next =
  | { kind: 'delivered' }
  /** The receiver is gone for good (410): its webhook is disabled. */
  | { kind: 'gone' }
  | { kind: 'retry', afterMs: number }
  | { kind: 'dead' }

// At first for a hiccup, then for a release, then for a night and a day:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
const pausesSec = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
/** Up to a fifth longer, so that what failed together does not come back together. */
const jitter = 0.2

/**
 * @param httpStatus of the answer; null when there was none
 * @param attempts made so far, this one included
 * @param random from 0 up to 1
 */
export function nextStep (httpStatus: number | null, attempts: number, { maxAttempts, maxPauseSec }: RetryRules, random: number): Next {
  if (httpStatus !== null && httpStatus >= 200 && httpStatus < 300) return { kind: 'delivered' }
  if (httpStatus === 410) return { kind: 'gone' }
  if (attempts >= maxAttempts) return { kind: 'dead' }
  const pauseSec = Math.min(pausesSec[attempts - 1] ?? Infinity, pausesSec.at(-1) ?? 0, maxPauseSec)
  return { kind: 'retry', afterMs: Math.round(pauseSec * 1000 * (1 + jitter * random)) }
}
