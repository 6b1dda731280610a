import t from 'tap'
import { createFairQueue } from '../../../services/operations/fair-queue.ts'

t.test('an exclusive holder is alone, others follow in the order they came', async t => {
  const queue = createFairQueue<string>()
  const [a, b, c] = ['a', 'b', 'c'].map(name => queue.join('exclusive', name))
  t.same(queue.holders(), ['a'])
  a?.leave()
  t.same(queue.holders(), ['b'])
  await b?.turn
  b?.leave()
  t.same(queue.holders(), ['c'])
  c?.leave()
  t.ok(queue.empty)
})

t.test('shared holders go together', async t => {
  const queue = createFairQueue<string>()
  queue.join('shared', 'a')
  queue.join('shared', 'b')
  t.same(queue.holders(), ['a', 'b'])
})

t.test('a shared one does not overtake an exclusive one that waits', async t => {
  const queue = createFairQueue<string>()
  const first = queue.join('shared', 'first')
  const alone = queue.join('exclusive', 'alone')
  const late = queue.join('shared', 'late')
  const later = queue.join('shared', 'later')
  t.same(queue.holders(), ['first'])
  first.leave()
  t.same(queue.holders(), ['alone'])
  alone.leave()
  t.same(queue.holders(), ['late', 'later'])
  t.ok(late.granted && later.granted)
})

t.test('one that gives up waiting lets those behind it go', async t => {
  const queue = createFairQueue<string>()
  queue.join('shared', 'first')
  const impatient = queue.join('exclusive', 'impatient')
  const behind = queue.join('shared', 'behind')
  t.notOk(behind.granted)
  impatient.leave()
  impatient.leave()
  t.ok(behind.granted)
  t.same(queue.holders(), ['first', 'behind'])
})
