import t from 'tap'
import { decideRestart, restartRuleOf, stableMs, type RestartRule, type ServiceEnd } from '../../../services/runtime/restart-policy.ts'

const exited = (code: number | null, signal: string | null = null): ServiceEnd => ({ cause: 'exited', exit: { code, signal } })
const unseen: ServiceEnd = { cause: 'exited', exit: null }
const unhealthy: ServiceEnd = { cause: 'unhealthy', exit: null }
const notReady: ServiceEnd = { cause: 'not_ready', exit: { code: 0, signal: null } }
const fresh = { streak: 0, ranMs: 0 }
const rule = (policy: RestartRule['policy'], rest: Partial<RestartRule> = {}): RestartRule => ({ policy, maxRetries: null, backoffMs: 1000, ...rest })

t.test('which ends are followed by a restart', async t => {
  const table: [RestartRule['policy'], ServiceEnd, boolean][] = [
    ['never', exited(0), false],
    ['never', exited(1), false],
    ['never', unhealthy, false],
    ['on_failure', exited(0), false],
    ['on_failure', exited(1), true],
    ['on_failure', exited(null, 'SIGKILL'), true],
    ['on_failure', unseen, true],
    ['on_failure', unhealthy, true],
    ['on_failure', notReady, true],
    ['always', exited(0), true],
    ['always', exited(1), true],
    ['always', unhealthy, true]
  ]
  for (const [policy, end, restart] of table) t.equal(decideRestart(rule(policy), end, fresh).restart, restart, `${policy}, ${end.cause} ${JSON.stringify(end.exit)}`)
})

t.test('the pause doubles with each restart in a row, up to a minute or the first pause if that is longer', async t => {
  const delays = (backoffMs: number, streaks: number[]) => streaks.map(streak => {
    const after = decideRestart(rule('always', { backoffMs }), exited(1), { streak, ranMs: 0 })
    return after.restart ? after.delayMs : null
  })
  t.same(delays(1000, [0, 1, 2, 5, 6, 1000, 5000]), [1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000])
  t.same(delays(90_000, [0, 1, 9]), [90_000, 90_000, 90_000])
  t.same(delays(1, [0, 3]), [1, 8])
})

t.test('restarts in a row are bounded, and a stable time begins the count anew', async t => {
  const bounded = rule('on_failure', { maxRetries: 2 })
  t.same(decideRestart(bounded, exited(1), { streak: 1, ranMs: stableMs - 1 }), { restart: true, delayMs: 2000, streak: 2 })
  t.same(decideRestart(bounded, exited(1), { streak: 2, ranMs: stableMs - 1 }), { restart: false, gaveUp: true })
  t.same(decideRestart(bounded, exited(1), { streak: 2, ranMs: stableMs }), { restart: true, delayMs: 1000, streak: 1 })
  t.same(decideRestart(rule('on_failure', { maxRetries: 0 }), exited(1), fresh), { restart: false, gaveUp: true })
  t.same(decideRestart(bounded, exited(0), { streak: 2, ranMs: 0 }), { restart: false, gaveUp: false }, 'nothing was to be restarted')
})

t.test('an entry without a rule is never restarted; what a rule leaves out has its usual value', async t => {
  t.same(restartRuleOf({}), rule('never'))
  t.same(restartRuleOf({ restart: { policy: 'always' } }), rule('always'))
  t.same(restartRuleOf({ restart: { policy: 'on_failure', maxRetries: 3, backoffMs: 50 } }), rule('on_failure', { maxRetries: 3, backoffMs: 50 }))
})
