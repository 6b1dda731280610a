import t from 'tap'
import { createMaskedOutput, excerptChars } from '../../../services/operations/masked-output.ts'
import { createRedactor } from '../../../services/operations/redact.ts'

const redactor = createRedactor({ env: { MY_TOKEN: 'sécret-töken' } })

t.test('characters cut by a chunk border come out whole', async t => {
  const output = createMaskedOutput()
  const bytes = Buffer.from('a€😀z')
  let text = ''
  for (const byte of bytes) text += output.take(Buffer.from([byte]), redactor)
  t.equal(text + output.flush(redactor), 'a€😀z')
})

t.test('binary output becomes replacement characters, and nothing is lost around it', async t => {
  const output = createMaskedOutput()
  t.equal(output.take(Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x7a]), redactor), 'a\uFFFD\uFFFD\0z')
  t.equal(output.take(Buffer.from([0xe2, 0x82]), redactor), '')
  t.equal(output.flush(redactor), '\uFFFD', 'a character that never ends is replaced at the end')
})

t.test('a secret is masked wherever its bytes are cut, also inside a character', async t => {
  const bytes = Buffer.from('x sécret-töken y')
  for (let at = 1; at < bytes.length; at++) {
    const output = createMaskedOutput()
    const text = output.take(bytes.subarray(0, at), redactor) + output.take(bytes.subarray(at), redactor) + output.flush(redactor)
    t.equal(text, 'x *** y')
  }
})

t.test('the excerpt is the masked end, at most 4,096 characters', async t => {
  const output = createMaskedOutput()
  t.equal(output.excerpt(), null)
  output.take('x'.repeat(5000), redactor)
  output.take('sécret-töken\n', redactor)
  output.take('last', redactor)
  const excerpt = output.excerpt() ?? ''
  t.equal(excerpt.length, excerptChars)
  t.ok(excerpt.endsWith('xxx***\nlast'))
})
