/** ETags. */
import t from 'tap'
import { etagOf, namesTag } from '../../plugins/etag.ts'

t.test('a counted version is the tag; else the content decides', async t => {
  t.equal(etagOf({ id: 'a', version: 7, updatedAt: 'x' }), '"7"')
  t.not(etagOf({ id: 'a', updatedAt: 'x' }), etagOf({ id: 'a', updatedAt: 'y' }))
  t.equal(etagOf({ id: 'a', updatedAt: 'x' }), etagOf({ id: 'a', updatedAt: 'x' }))
})

t.test('a header names a tag alone, in a list, weakly, or by *', async t => {
  for (const header of ['"7"', 'W/"7"', '"6", "7"', '*', ' * ']) t.ok(namesTag(header, '"7"'), header)
  for (const header of ['', '"70"', '7', '"6", "8"']) t.notOk(namesTag(header, '"7"'), header)
})
