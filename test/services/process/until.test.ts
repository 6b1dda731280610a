import t from 'tap'
import { DeadlinePassed, until } from '../../../services/process/until.ts'

const closely = { firstMs: 1, maxMs: 5 }

t.test('what the look gives is given back, without a pause when it is there at once', async t => {
  let looks = 0
  const begun = performance.now()
  t.equal(await until(() => { looks++; return 'there' }, { firstMs: 5000, maxMs: 5000, withinMs: 10_000 }), 'there')
  t.equal(looks, 1)
  t.ok(performance.now() - begun < 4000)
})

t.test('it looks again until the answer is truthy, promises too', async t => {
  let looks = 0
  t.equal(await until(async () => ++looks >= 3 && looks, { ...closely, withinMs: 5000 }), 3)
})

t.test('time being up is an error that says what is missing', async t => {
  const waiting = until(() => false, { ...closely, withinMs: 20, missing: () => 'nothing listens on port 1' })
  await t.rejects(waiting, DeadlinePassed)
  await t.rejects(waiting, { message: 'nothing listens on port 1 (waited 20 ms)' })
})

t.test('a last look is taken when the time is up', async t => {
  const begun = performance.now()
  t.ok(await until(() => performance.now() - begun >= 20, { firstMs: 1000, maxMs: 1000, withinMs: 25 }))
})

t.test('aborting ends the wait at once with the reason given', async t => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const waiting = until(() => { setImmediate(() => controller.abort(reason)); return false }, { firstMs: 60_000, maxMs: 60_000, withinMs: 120_000, signal: controller.signal })
  await t.rejects(waiting, { message: 'enough' })
})

t.test('an aborted signal keeps it from looking at all', async t => {
  let looks = 0
  await t.rejects(until(() => ++looks, { ...closely, withinMs: 50, signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  t.equal(looks, 0)
})

t.test('an error of the look ends the wait', async t => {
  await t.rejects(until(() => { throw new Error('broken look') }, { ...closely, withinMs: 5000 }), { message: 'broken look' })
})

t.test('pauses grow with the time waited: few looks in a long wait', async t => {
  let looks = 0
  await t.rejects(until(() => { looks++; return false }, { firstMs: 1, maxMs: 1000, withinMs: 300 }), DeadlinePassed)
  t.ok(looks < 60, `${looks} looks in 300 ms`)
  t.ok(looks > 5, `${looks} looks in 300 ms`)
})

t.test('a hint ends the pause, once, whether it resolves or rejects', async t => {
  for (const settle of ['resolve', 'reject'] as const) {
    const hint = Promise.withResolvers<void>()
    let looks = 0
    const look = () => {
      if (++looks === 1) setImmediate(() => hint[settle](undefined))
      return looks === 2
    }
    t.ok(await until(look, { firstMs: 60_000, maxMs: 60_000, withinMs: 120_000, hint: hint.promise }), settle)
  }
  let looks = 0
  await t.rejects(until(() => { looks++; return false }, { firstMs: 20, maxMs: 20, withinMs: 100, hint: Promise.resolve() }), DeadlinePassed)
  t.ok(looks < 10, `${looks} looks: a hint that was taken does not end the pauses after it`)
  const reason = new Error('enough')
  const controller = new AbortController()
  await t.rejects(until(() => { setImmediate(() => controller.abort(reason)); return false }, { firstMs: 60_000, maxMs: 60_000, withinMs: 120_000, signal: controller.signal, hint: new Promise(() => {}) }), { message: 'enough' })
})
