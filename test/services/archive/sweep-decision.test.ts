/** Which rule archives a workspace by itself, as tables. */
import t from 'tap'
import { decideSweep, readCleanupPolicy, rescueExpiry, retryDelayMs, type SweepableRow } from '../../../services/archive/sweep-decision.ts'

const used = new Date('2026-01-10T12:00:00Z')
const row = (values: Partial<SweepableRow> = {}): SweepableRow => ({ status: 'active', cleanup_eligible_at: null, last_used_at: used, ...values })
const nothing = { archiveIdleAfterSec: null, retainRescueDays: null }
const none = { count: 0, lastAt: null }
const later = (ms: number) => new Date(used.getTime() + ms)

t.test('the first rule whose time comes decides', async t => {
  const idle = { ...nothing, archiveIdleAfterSec: 3600 }
  const table: [string, SweepableRow, typeof nothing | typeof idle, { rule: string, at: Date } | null][] = [
    ['nothing is said', row(), nothing, null],
    ['a date', row({ cleanup_eligible_at: later(5) }), nothing, { rule: 'cleanup_eligible_at', at: later(5) }],
    ['idle time', row(), idle, { rule: 'archive_idle', at: later(3_600_000) }],
    ['both, the date first', row({ cleanup_eligible_at: later(5) }), idle, { rule: 'cleanup_eligible_at', at: later(5) }],
    ['both, the idle time first', row({ cleanup_eligible_at: later(7_200_000) }), idle, { rule: 'archive_idle', at: later(3_600_000) }],
    ['one in review', row({ status: 'in_review' }), idle, { rule: 'archive_idle', at: later(3_600_000) }],
    ...(['archived', 'archiving', 'provisioning', 'provision_failed'] as const).map(status =>
      [`one that is ${status}`, row({ status, cleanup_eligible_at: used }), idle, null] satisfies [string, SweepableRow, typeof idle, null])
  ]
  for (const [name, input, policy, expected] of table) {
    const decided = decideSweep(input, policy, none)
    if (expected === null) t.equal(decided, null, name)
    else t.match(decided, { ...expected, reason: /\.$/ }, name)
  }
})

t.test('a failed clean-up is tried again, less and less often', async t => {
  const minutes = (count: number) => retryDelayMs(count) / 60_000
  t.same([0, 1, 2, 3, 9, 10, 1000].map(minutes), [5, 5, 10, 20, 1280, 1440, 1440])
  t.match(decideSweep(row({ status: 'cleanup_failed' }), nothing, { count: 3, lastAt: later(1) }), { rule: 'retry_cleanup', at: later(1 + 20 * 60_000), reason: /3 times in a row/ })
  t.match(decideSweep(row({ status: 'cleanup_failed' }), nothing, none), { rule: 'retry_cleanup', reason: /failed once/ })
})

t.test('a policy is read as far as it makes sense', async t => {
  for (const stored of [null, undefined, 'x', [], {}, { archiveIdleAfterSec: '60', retainRescueDays: -1 }, { archiveIdleAfterSec: Number.NaN }]) t.same(readCleanupPolicy(stored), nothing)
  t.same(readCleanupPolicy({ archiveIdleAfterSec: 60, retainRescueDays: 7, mine: true }), { archiveIdleAfterSec: 60, retainRescueDays: 7 })
})

t.test('a rescue snapshot is kept unless a time is said', async t => {
  const closed = { status: 'archived', closed_at: used } as const
  t.equal(rescueExpiry(closed, nothing), null)
  t.same(rescueExpiry(closed, { ...nothing, retainRescueDays: 2 }), later(2 * 86_400_000))
  t.equal(rescueExpiry({ status: 'active', closed_at: null }, { ...nothing, retainRescueDays: 2 }), null)
})
