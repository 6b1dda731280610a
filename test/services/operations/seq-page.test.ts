import t from 'tap'
import { encodeCursor } from '../../../db/page.ts'
import { pageOf, sliceOf } from '../../../services/operations/seq-page.ts'

const rows = ['5', '4', '3'].map(seq => ({ seq }))
const same = <T>(row: T): T => row

t.test('a full page with more behind it has a cursor that leads on after its last row', async t => {
  const page = pageOf(rows, { limit: 2 }, same)
  t.same(page.items, [{ seq: '5' }, { seq: '4' }])
  t.same(sliceOf({ limit: 2, cursor: page.nextCursor ?? '' }), { limit: 3, after: '4' })
})

t.test('a page with nothing behind it has no cursor', async t => {
  t.equal(pageOf(rows, { limit: 3 }, same).nextCursor, null)
  t.equal(pageOf([], {}, same).nextCursor, null)
})

t.test('without a limit a page has 100', async t => {
  t.same(sliceOf({}), { limit: 101, after: null })
  t.equal(pageOf(Array.from({ length: 101 }, (_, seq) => ({ seq: String(seq) })), {}, same).items.length, 100)
})

t.test('a cursor that was not given out is refused', async t => {
  const bad = ['', 'x', '!!!', encodeCursor([5]), encodeCursor(['-1']), encodeCursor(['1; drop']), encodeCursor(['9223372036854775808']), encodeCursor(['1', '2']), encodeCursor(['99999999999999999999'])]
  for (const cursor of bad) {
    t.throws(() => sliceOf({ cursor }), { code: 'invalid_cursor' }, cursor)
  }
  t.same(sliceOf({ cursor: encodeCursor(['9223372036854775807']) }).after, '9223372036854775807')
})
