import t from 'tap'
import { createWakeUp } from '../../../services/operations/wake-up.ts'

t.test('a call while nobody waits is not lost, and several count once', async t => {
  const { notify, next } = createWakeUp()
  notify()
  notify()
  await next()
  let woken = false
  const waiting = next().then(() => { woken = true })
  await new Promise(setImmediate)
  t.notOk(woken, 'both calls were one')
  notify()
  await waiting
  t.ok(woken)
})

t.test('a call wakes who waits, and only once', async t => {
  const { notify, next } = createWakeUp()
  const first = next()
  notify()
  await first
  let woken = false
  const second = next().then(() => { woken = true })
  await new Promise(setImmediate)
  t.notOk(woken)
  notify()
  await second
})
