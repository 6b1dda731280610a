/** Cursors survive the way to a client and back; anything else is null. */
import fc from 'fast-check'
import t from 'tap'
import { decodeCursor, encodeCursor } from '../../db/page.ts'

const part = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }).filter(text => !text.includes('\0')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0))

t.test('a cursor decodes to the parts it was made of and needs no escaping in a URL', async t => {
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), parts => {
    const cursor = encodeCursor(parts)
    t.equal(encodeURIComponent(cursor), cursor)
    t.strictSame(decodeCursor(cursor, parts.length), parts)
  }), { numRuns: 100 })
})

t.test('what no list made is null', async t => {
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  const wrong = ['', 'a', '!!', 'e30=', encode('{}'), encode('null'), encode('["a"]'), encode('["a","b","c"]'), encode('["a",null]'),
    encode('["a",["b"]]'), encode('["a",true]'), encode('["a",1e999]'), encode('["a","\\u0000"]'), encode('["a","\\ud800"]'), encode('["a"'),
    encode(`["a","${'b'.repeat(2_000)}"]`)]
  for (const cursor of wrong) t.equal(decodeCursor(cursor, 2), null, JSON.stringify(cursor.slice(0, 40)))
})

t.test('random text never throws', async t => {
  fc.assert(fc.property(fc.string(), text => { decodeCursor(text, 2) }))
  t.pass('none did')
})
