/** Looks that are repeated: one at a time, over failures, to a clean end. */
import t from 'tap'
import { startRepeated } from '../../../services/operations/repeated.ts'
import { eventually } from '../../fixtures/eventually.ts'

t.test('failures are told, with whether the look before failed too, and do not end it', async t => {
  const told: [string, boolean][] = []
  const outcomes = ['a', 'b', null, 'c']
  let looks = 0
  const stop = startRepeated({
    everyMs: 1,
    look: async () => {
      const outcome = outcomes[looks++]
      if (typeof outcome === 'string') throw new Error(outcome)
    },
    onFailure: (error, again) => told.push([(error as Error).message, again])
  })
  await eventually(() => looks > outcomes.length, 'more looks')
  await stop()
  t.same(told, [['a', false], ['b', true], ['c', false]])
})

t.test('no look begins while one is under way, and the stop waits for it', async t => {
  const gate = Promise.withResolvers<void>()
  let looks = 0
  let stopped = false
  const stop = startRepeated({ everyMs: 1, look: async () => { looks++; await gate.promise }, onFailure: () => {} })
  await eventually(() => looks > 0, 'the first look')
  const stopping = stop().then(() => { stopped = true })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(stopped)
  gate.resolve()
  await stopping
  t.equal(looks, 1)
})
