import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { createResolver } from '../../../services/webhooks/names.ts'

/** A resolver over lookups that the test ends itself, by a clock that the test sets. */
function scene () {
  const asked: { name: string, give: (addresses: LookupAddress[]) => void, fail: (error: Error) => void }[] = []
  const state = { now: 0 }
  const resolve = createResolver({
    clock: () => state.now,
    lookup: async name => await new Promise((resolve, reject) => { asked.push({ name, give: resolve, fail: reject }) })
  })
  return { asked, state, resolve, names: () => asked.map(({ name }) => name) }
}

const address = [{ address: '192.0.2.1', family: 4 }]

t.test('of many who ask for a name at once one asks for all, and the next one asks anew', async t => {
  const { asked, resolve, names } = scene()
  const all = [resolve('a.example'), resolve('a.example'), resolve('b.example'), resolve('a.example')]
  t.same(names(), ['a.example', 'b.example'])
  for (const { give } of asked) give(address)
  t.same(await Promise.all(all), [address, address, address, address])
  resolve('a.example').catch(() => {})
  t.same(names(), ['a.example', 'b.example', 'a.example'])
})

t.test('a name whose server did not answer fails at once for a while, others are asked for', async t => {
  const { asked, state, resolve, names } = scene()
  const first = [resolve('dead.example'), resolve('dead.example')]
  state.now = 10_000
  asked[0]?.fail(Object.assign(new Error('queryA EAI_AGAIN'), { code: 'EAI_AGAIN' }))
  for (const one of first) await t.rejects(one, { code: 'EAI_AGAIN' })
  await t.rejects(resolve('dead.example'), { code: 'EAI_AGAIN' })
  resolve('b.example').catch(() => {})
  t.same(names(), ['dead.example', 'b.example'])
  state.now = 70_000
  resolve('dead.example').catch(() => {})
  t.same(names(), ['dead.example', 'b.example', 'dead.example'], 'after that it is asked for again')
})

t.test('a name that is quickly told not to exist is asked for each time', async t => {
  const { asked, resolve, names } = scene()
  const first = resolve('no.example')
  asked[0]?.fail(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))
  await t.rejects(first, { code: 'ENOTFOUND' })
  resolve('no.example').catch(() => {})
  t.equal(names().length, 2)
})
