/** One call for a turn of the event loop, and nothing of it in the next. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { together } from '../../../services/operations/together.ts'

t.test('what is asked for in one turn is done by one call, what comes later by another', async t => {
  const calls: string[][] = []
  const ask = together<string>(all => {
    calls.push(all)
    return Promise.resolve()
  })
  await Promise.all(['a', 'b', 'c'].map(ask))
  await turn()
  await ask('d')
  t.same(calls, [['a', 'b', 'c'], ['d']])
})

t.test('while a call is under way another one is made for who comes then', async t => {
  const gates = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const calls: number[][] = []
  const ask = together<number>(async all => { await gates[calls.push(all) - 1]?.promise })
  const first = ask(1)
  await turn()
  const second = ask(2)
  gates[1]?.resolve(undefined)
  await second
  gates[0]?.resolve(undefined)
  await first
  t.same(calls, [[1], [2]])
})

t.test('all who share a call that fails are told, and the next one is none the wiser', async t => {
  let fails = true
  const ask = together<number>(() => fails ? Promise.reject(new Error('no')) : Promise.resolve())
  const outcomes = await Promise.allSettled([ask(1), ask(2)])
  t.same(outcomes.map(({ status }) => status), ['rejected', 'rejected'])
  fails = false
  await t.resolves(ask(3))
})
