import t from 'tap'
import { decideStop, type LeaseFacts, type StoppableService } from '../../../services/runtime/stop-policy.ts'

const [run, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const now = new Date('2026-01-01T12:00:00Z')
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000)

const shared: StoppableService = { lifecycle: 'shared', scope_type: 'execution_workspace', scope_id: 'w', started_by_run_id: run, stop_policy: null, last_used_at: ago(0) }
const ephemeral: StoppableService = { ...shared, lifecycle: 'ephemeral', scope_type: 'run', scope_id: run }
const byPolicy = (type: string, more: object = {}, lastUsed = 0): StoppableService => ({ ...shared, stop_policy: { type, ...more }, last_used_at: ago(lastUsed) })

const kept = { stop: false, isDue: false }
const finished = (runId: string) => ({ stop: true, cause: 'run_finished', runId })
const idle = { stop: true, cause: 'idle', runId: null }

const cases: [string, StoppableService, LeaseFacts, object][] = [
  ['a service for everybody without a policy goes on', shared, { heldBy: [], ended: [run] }, kept],
  ['so does one with the policy manual', byPolicy('manual', {}, 1e6), { heldBy: [], ended: [run] }, kept],

  ['an ephemeral one stops with its run', ephemeral, { heldBy: [], ended: [run] }, finished(run)],
  ['also when it is in the scope of something else', { ...ephemeral, scope_type: 'execution_workspace' }, { heldBy: [], ended: [run] }, finished(run)],
  ['also while another run holds the workspace', ephemeral, { heldBy: [other], ended: [run] }, finished(run)],
  ['but not while its own run holds it again', ephemeral, { heldBy: [run], ended: [run] }, { stop: false, isDue: true, heldBy: [run] }],
  ['nor when it was started for no lease', ephemeral, { heldBy: [], ended: [] }, kept],
  ['nor with another run', ephemeral, { heldBy: [], ended: [other] }, kept],
  ['nor one that somebody started by hand', { ...ephemeral, scope_id: 'a-call', started_by_run_id: null }, { heldBy: [], ended: [run] }, kept],
  ['a shared one of scope run stops with it too', { ...shared, scope_type: 'run', scope_id: run }, { heldBy: [other], ended: [other, run] }, finished(run)],

  ['on_run_finish stops with the last run', byPolicy('on_run_finish'), { heldBy: [], ended: [other, run] }, finished(other)],
  ['not while another run holds it', byPolicy('on_run_finish'), { heldBy: [other], ended: [run] }, { stop: false, isDue: true, heldBy: [other] }],
  ['not when no run had it', byPolicy('on_run_finish', {}, 1e6), { heldBy: [], ended: [] }, kept],

  ['idle_timeout counts from the last use', byPolicy('idle_timeout', { idleSeconds: 60 }, 60), { heldBy: [], ended: [] }, idle],
  ['a moment before it goes on', byPolicy('idle_timeout', { idleSeconds: 60 }, 59.999), { heldBy: [], ended: [] }, kept],
  ['without a number it is half an hour', byPolicy('idle_timeout', {}, 1800), { heldBy: [], ended: [] }, idle],
  ['and not less', byPolicy('idle_timeout', {}, 1799), { heldBy: [], ended: [] }, kept],
  ['a run that holds it keeps it, however long it lies idle', byPolicy('idle_timeout', { idleSeconds: 1 }, 1e6), { heldBy: [run, other], ended: [] }, { stop: false, isDue: true, heldBy: [run, other] }],
  ['an idle ephemeral one without a lease stops as well', { ...ephemeral, stop_policy: { type: 'idle_timeout' }, last_used_at: ago(2000) }, { heldBy: [], ended: [] }, idle],
  ['an unknown policy stops nothing', byPolicy('whenever', {}, 1e6), { heldBy: [], ended: [run] }, kept]
]
for (const [title, service, facts, expected] of cases) {
  t.test(title, async t => t.match(decideStop(service, facts, now), expected))
}

t.test('the reason is a sentence that names the run, or since when it is idle', async t => {
  t.match(decideStop(ephemeral, { heldBy: [], ended: [run] }, now), { reason: `It belonged to run ${run}, whose lease has ended.` })
  t.match(decideStop(byPolicy('on_run_finish'), { heldBy: [], ended: [run] }, now), { reason: `It stops with the last run, and the lease of run ${run} has ended.` })
  t.match(decideStop(byPolicy('idle_timeout', { idleSeconds: 60 }, 90), { heldBy: [], ended: [] }, now), { reason: 'It was idle for 60 s: no run holds it, and it was last used at 2026-01-01T11:58:30.000Z.' })
})
