import t from 'tap'
import { digestOfKey, openAnswer, sealAnswer } from '../../services/sealed-answer.ts'

t.test('an answer is read again with its key alone', async t => {
  const text = '{"secret":"whsec_grüße 🚢"}'
  const sealed = sealAnswer(text, 'key-1')
  t.equal(openAnswer(sealed, 'key-1'), text)
  t.notMatch(Buffer.from(sealed, 'base64').toString('latin1'), 'whsec_')
  t.not(sealAnswer(text, 'key-1'), sealed, 'another text each time')
  t.equal(openAnswer(sealAnswer('', 'key-1'), 'key-1'), '')
  t.throws(() => openAnswer(sealed, 'key-2'))
  const changed = Buffer.from(sealed, 'base64')
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  t.throws(() => openAnswer(changed.toString('base64'), 'key-1'))
})

t.test('a key is found by a digest of it', async t => {
  t.equal(digestOfKey('key-1'), digestOfKey('key-1'))
  t.not(digestOfKey('key-1'), digestOfKey('key-2'))
  t.notMatch(digestOfKey('key-1'), 'key-1')
})
