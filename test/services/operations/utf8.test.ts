import fc from 'fast-check'
import t from 'tap'
import { bytesOfHead, wholeCharacters } from '../../../services/operations/utf8.ts'

t.test('a character at the end that is not whole does not count', async t => {
  const bytes = Buffer.from('aé\u20ac\u{1f600}')
  t.same(Array.from({ length: bytes.length + 1 }, (_, size) => wholeCharacters(bytes.subarray(0, size))), [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10])
  t.equal(wholeCharacters(Buffer.from([0x80, 0x80, 0x80, 0x80])), 4, 'what is no text is whole')
})

t.test('any cut of a text between characters is found in its bytes', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, place) => {
    const units = [...text]
    const head = units.slice(0, place % (units.length + 1)).join('')
    return bytesOfHead(Buffer.from(text), text, head.length) === Buffer.byteLength(head)
  }))
})

t.test('also where bytes are no text: both parts decode to what the whole does', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), (array, place) => {
    const bytes = Buffer.from(array)
    const text = bytes.toString()
    const units = [...text]
    const head = units.slice(0, place % (units.length + 1)).join('')
    const cut = bytesOfHead(bytes, text, head.length)
    return bytes.toString('utf8', 0, cut) === head && bytes.toString('utf8', cut) === text.slice(head.length)
  }), { numRuns: 2000 })
})
