import t from 'tap'
import { createOneAtATime } from '../../../services/control/one-at-a-time.ts'

t.test('work on one thing is done in order, one piece at a time, whatever fails; on another thing at once', async t => {
  const inTurn = createOneAtATime()
  const seen: string[] = []
  const gate = Promise.withResolvers<void>()
  const piece = (key: string, name: string, wait: Promise<void> = Promise.resolve()) => inTurn(key, async () => {
    seen.push(`${name} begins`)
    await wait
    seen.push(`${name} ends`)
    if (name === 'a1') throw new Error('a1 fails')
    return name
  })
  const all = [piece('a', 'a1', gate.promise), piece('a', 'a2'), piece('b', 'b1')]
  t.equal(await all[2], 'b1')
  t.same(seen, ['a1 begins', 'b1 begins', 'b1 ends'])
  gate.resolve()
  await t.rejects(async () => { await all[0] }, { message: 'a1 fails' })
  t.equal(await all[1], 'a2')
  t.same(seen.slice(3), ['a1 ends', 'a2 begins', 'a2 ends'])
  t.equal(await piece('a', 'a3'), 'a3')
})
