/** Text no database can hold, and nesting without end. */
import fc from 'fast-check'
import t from 'tap'
import { findUnstorable, maxDepth, maxItems, maxKeyLength, maxKeys } from '../../plugins/unstorable-text.ts'

const nested = (depth: number): unknown => depth === 0 ? 'x' : [nested(depth - 1)]

t.test('the place is a JSON pointer, escaped', async t => {
  t.match(findUnstorable({ 'a/b~c': ['fine', 'b\0'] }, ''), { pointer: '/a~1b~0c/1', message: /NUL/ })
  t.match(findUnstorable('\ud800', '#/query/q'), { pointer: '#/query/q', message: /surrogate/ })
  t.match(findUnstorable({ outer: { 'k\0': 1 } }, ''), { pointer: '/outer' })
})

t.test(`${maxDepth} levels are taken, one more is not, and 200,000 do no harm`, async t => {
  t.equal(findUnstorable(nested(maxDepth), ''), null)
  t.match(findUnstorable(nested(maxDepth + 1), ''), { message: /nested/ })
  t.match(findUnstorable(JSON.parse('['.repeat(200_000) + ']'.repeat(200_000)), ''), { message: /nested/ })
})

t.test('any value of well-formed text is fine, and any with NUL somewhere is not', async t => {
  const fine = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).filter(value => !JSON.stringify(value).includes('\\u0000') && !/\\ud[89a-f]/i.test(JSON.stringify(value)))
  fc.assert(fc.property(fine, value => findUnstorable(value, '') === null))
  fc.assert(fc.property(fine, fc.string(), (value, text) => findUnstorable({ a: [value, { b: `${text}\0` }] }, '') !== null))
  t.pass()
})

t.test(`${maxKeys} keys and ${maxItems} items are taken, one more is not, nor a key that is far too long`, async t => {
  const object = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1]))
  t.equal(findUnstorable({ a: object(maxKeys) }, ''), null)
  t.match(findUnstorable({ a: object(maxKeys + 1) }, ''), { pointer: '/a', message: /1000 keys/ })
  t.equal(findUnstorable([new Array(maxItems).fill(1)], ''), null)
  t.match(findUnstorable([new Array(maxItems + 1).fill(1)], ''), { pointer: '/0', message: /10000 items/ })
  t.equal(findUnstorable({ ['k'.repeat(maxKeyLength)]: 1 }, ''), null)
  t.match(findUnstorable({ a: { ['k'.repeat(maxKeyLength + 1)]: 1 } }, ''), { pointer: '/a', message: /key/ })
})
