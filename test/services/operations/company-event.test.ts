import t from 'tap'
import { eventCursorOf, eventIdOf, wantsType } from '../../../services/operations/company-event.ts'

t.test('an id stands for a place, and nothing else does', async t => {
  t.strictSame(eventCursorOf(eventIdOf({ txid: '9223372036854775807', seq: '3' })), { txid: '9223372036854775807', seq: '3' })
  for (const id of ['', '1', '1-', '-1-1', '1-1-1', 'a-1', ' 1-1', '1-1\n', '9223372036854775808-1', '1-9223372036854775808']) {
    t.throws(() => eventCursorOf(id), { code: 'invalid_cursor' }, id)
  }
})

t.test('types are wanted by their name or by its beginning', async t => {
  const types = ['thing.done', 'thing.undone', 'things.done', 'other.done']
  t.same(types.filter(wantsType(undefined)), types)
  t.same(types.filter(wantsType('thing.done,other.done')), ['thing.done', 'other.done'])
  t.same(types.filter(wantsType('thing.,other.done')), ['thing.done', 'thing.undone', 'other.done'])
  t.same(types.filter(wantsType('thing')), [])
})
