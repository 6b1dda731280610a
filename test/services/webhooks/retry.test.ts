/** When a delivery is tried again, and when it is given up. */
import t from 'tap'
import { nextStep } from '../../../services/webhooks/retry.ts'

const rules = { maxAttempts: 10, maxPauseSec: 86_400 }

t.test('2xx is delivered, 410 is gone, all else is tried again', async t => {
  for (const status of [200, 202, 204, 299]) t.same(nextStep(status, 1, rules, 0), { kind: 'delivered' }, String(status))
  t.same(nextStep(410, 1, rules, 0), { kind: 'gone' })
  for (const status of [null, 199, 301, 302, 307, 400, 401, 404, 408, 429, 500, 503]) t.same(nextStep(status, 1, rules, 0), { kind: 'retry', afterMs: 5_000 }, String(status))
})

t.test('pauses grow from seconds to a day, each up to a fifth longer by chance', async t => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(attempts => nextStep(500, attempts, rules, 0))
  t.same(pauses, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(sec => ({ kind: 'retry', afterMs: sec * 1000 })))
  t.same(nextStep(500, 2, rules, 0.5), { kind: 'retry', afterMs: 330_000 })
  t.same(nextStep(500, 40, { ...rules, maxAttempts: 100 }, 0), { kind: 'retry', afterMs: 86_400_000 }, 'and stay there')
})

t.test('the cap and the number of tries are what is asked for', async t => {
  t.same(nextStep(500, 4, { maxAttempts: 10, maxPauseSec: 60 }, 0), { kind: 'retry', afterMs: 60_000 })
  t.same(nextStep(500, 10, rules, 0), { kind: 'dead' })
  t.same(nextStep(200, 10, rules, 0), { kind: 'delivered' }, 'the last one counts')
  t.same(nextStep(null, 1, { maxAttempts: 1, maxPauseSec: 1 }, 0), { kind: 'dead' })
})
