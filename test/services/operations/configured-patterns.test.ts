import t from 'tap'
import { createConfiguredPatterns, parsePatterns } from '../../../services/operations/configured-patterns.ts'

t.test('patterns are separated by white space and match within lines', async t => {
  const patterns = parsePatterns(' ghp_\\w{4}\n\tsk-[0-9]+ ')
  t.equal(patterns.length, 2)
  const { find } = createConfiguredPatterns(patterns)
  t.same(find('a ghp_abcd\nsk-12 x sk-3')?.sort((a, b) => a.from - b.from), [{ from: 2, to: 10 }, { from: 11, to: 16 }, { from: 19, to: 23 }])
  t.same(find(''), [])
  t.same(createConfiguredPatterns(parsePatterns('x\\s*y')).find('x\ny'), [], 'never across lines')
  t.same(createConfiguredPatterns([/\b/gu]).find('a b'), [], 'an empty match is none')
  t.same(parsePatterns('  '), [])
})

t.test('a pattern that can not be used is refused, saying why', async t => {
  t.throws(() => parsePatterns('ok ('), { name: 'BadPattern', message: /Invalid regular expression: \/\(\/gu: Unterminated group/ })
  t.throws(() => parsePatterns('a*'), { message: /a\* matches the empty text/ })
  for (const slow of ['(a+)+$', '(\\w+)*!', '(?:x|x)*y', '\\d+\\d+\\d+\\d+z']) {
    t.throws(() => parsePatterns(slow), { name: 'BadPattern', message: /takes very long/ }, slow)
  }
  for (const usual of ['ghp_[A-Za-z0-9]{36}', 'AKIA[0-9A-Z]{16}', 'eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+', '(?<=pin:)\\d+', '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}']) {
    t.doesNotThrow(() => parsePatterns(usual), usual)
  }
})

t.test('looking for a match ends after a while', async t => {
  t.equal(createConfiguredPatterns([/(a+)+$/gu]).find(`${'a'.repeat(50)}!`, 50), null)
})
