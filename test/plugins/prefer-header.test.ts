/** Reading `Prefer`. */
import t from 'tap'
import { readPreference } from '../../plugins/prefer-header.ts'

const ever = { waitMs: null, applied: '' }
const atOnce = { waitMs: 0, applied: 'respond-async' }
const fiveSeconds = { waitMs: 5000, applied: 'wait=5' }
const both = { waitMs: 5000, applied: 'respond-async, wait=5' }

const cases: [string | undefined, object, string][] = [
  [undefined, ever, 'no header'],
  ['', ever, 'an empty one'],
  ['respond-async', atOnce, 'the one without a value'],
  ['Respond-ASYNC', atOnce, 'in any case'],
  ['respond-async=', atOnce, 'an empty value is none'],
  ['respond-async=""', atOnce, 'an empty quoted value is none'],
  ['respond-async=false', ever, 'with a value it is something else'],
  ['respond-async; foo="a,b"; bar', atOnce, 'parameters are passed over'],
  ['respond-async;', atOnce, 'an empty parameter too'],
  ['wait=5', fiveSeconds, 'a time'],
  ['WAIT = 5', fiveSeconds, 'with spaces'],
  ['wait="5"', fiveSeconds, 'quoted is the same'],
  ['wait="\\5"', fiveSeconds, 'escaped too'],
  ['wait=005', fiveSeconds, 'leading zeroes'],
  ['wait=0', { waitMs: 0, applied: 'wait=0' }, 'no time at all'],
  ['respond-async, wait=5', both, 'both'],
  [' wait=5 ,\trespond-async ', both, 'both, the other way round'],
  ['wait=5, wait=7', fiveSeconds, 'the first counts'],
  ['wait=soon, wait=7', ever, 'also when it says nothing'],
  ['wait', ever, 'a time that is missing'],
  ['wait=', ever, 'or empty'],
  ['wait=-1', ever, 'or negative'],
  ['wait=1.5', ever, 'or broken'],
  ['wait=1e3', ever, 'or written otherwise'],
  ['wait=5 seconds', ever, 'or followed by something'],
  ['=, ,, =5, "respond-async", (x), wait=5', fiveSeconds, 'what is malformed is passed over'],
  ['foo="respond-async, wait=1", wait=5', fiveSeconds, 'what is quoted is no preference'],
  ['foo="a\\", respond-async', ever, 'a quote that never ends takes the rest'],
  ['handling=strict, return=minimal, respond-async', atOnce, 'others are not known'],
  ['wait=99999999999', { waitMs: null, applied: 'wait=99999999999' }, 'longer than a timer goes is to the end']
]

t.test('Prefer is read as RFC 7240 says', async t => {
  for (const [header, expected, title] of cases) t.same(readPreference(header), expected, `${title}: ${header ?? ''}`)
})

t.test('a long header costs no more than its length', async t => {
  const begun = performance.now()
  const heads = ['', 'a', 'a=', 'a ;', 'a="']
  const pieces = ['"\\', 'a=', ' ', ';', ',', 'a', '"', '\t=', '\\']
  for (const head of heads) for (const piece of pieces) readPreference(`${head}${piece.repeat(16_000 / piece.length)}\u0001`)
  t.ok(performance.now() - begun < 2000, 'nothing is looked at over and over')
})
