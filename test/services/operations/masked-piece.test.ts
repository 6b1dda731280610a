import fc from 'fast-check'
import t from 'tap'
import { lookAroundBytes, maskedPiece, shiftOfStart } from '../../../services/operations/masked-piece.ts'
import { createRedactor } from '../../../services/operations/redact.ts'

const secret = 'tok-abcdefgh'
const redactor = createRedactor({ env: { API_TOKEN: secret, SSH_KEY: 'first line\nsecond line\nthird', NAME_TOKEN: 'gehe\u00efm' } })

/** What a follower is shown when the file grows in these steps; `cuts` are the places where its pieces end. */
function followed (steps: readonly Buffer[]): { shown: string, cuts: number[] } {
  const cuts = [0]
  let shown = ''
  let file = Buffer.alloc(0)
  steps.forEach((step, index) => {
    file = Buffer.concat([file, step])
    for (;;) {
      const from = cuts.at(-1) ?? 0
      const piece = maskedPiece(file.subarray(from), redactor, index === steps.length - 1)
      if (piece.bytes === 0) return
      shown += piece.content
      cuts.push(from + piece.bytes)
    }
  })
  return { shown, cuts }
}

const hardWords = [secret, 'tok-', 'gehe\u00efm', 'first line\nsecond line\nthird', 'Bearer abc.def.ghi', 'https://me:pa55@host/', '\n', 'x', '\u20ac', '\u{1f600}', ':', 'second line\n']
const texts = fc.array(fc.constantFrom(...hardWords), { maxLength: 12 }).map(words => words.join(' '))

function inSteps (bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to))
}

t.test('however a log grows, its followers are shown the masked whole, each byte once', async () => {
  fc.assert(fc.property(texts, fc.array(fc.nat(), { maxLength: 6 }), (text, places) => {
    const bytes = Buffer.from(text)
    const { shown, cuts } = followed(inSteps(bytes, places))
    return !shown.includes(secret) && shown === redactor.mask(text) && cuts.at(-1) === bytes.length
  }), { numRuns: 1000 })
})

t.test('bytes that are no text come through as what the whole decodes to', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(), { maxLength: 4 }), (array, places) => {
    const bytes = Buffer.from(array)
    const { shown, cuts } = followed(inSteps(bytes, places))
    return shown === redactor.mask(bytes.toString()) && cuts.at(-1) === bytes.length
  }), { numRuns: 1000 })
})

t.test('whole lines go first, then what there is of a line; half a character waits', async t => {
  const bytes = Buffer.from('one\ntwo\nthr\u20ac')
  t.same(maskedPiece(bytes, redactor, false), { content: 'one\ntwo\n', bytes: 8 })
  t.same(maskedPiece(bytes.subarray(8, -1), redactor, false), { content: 'thr', bytes: 3 })
  t.same(maskedPiece(bytes.subarray(11, -1), redactor, false), { content: '', bytes: 0 })
  t.same(maskedPiece(bytes.subarray(11, -1), redactor, true), { content: '\ufffd', bytes: 2 })
})

t.test('in 32 KiB there is always something to show', async t => {
  for (const text of ['x'.repeat(32_768), `https://${'y'.repeat(32_768)}`, '\u{1f600}'.repeat(8192), `Bearer ${'z'.repeat(32_768)}`]) {
    const { bytes } = maskedPiece(Buffer.from(text).subarray(0, 32_768), redactor, false)
    t.ok(bytes > 0, text.slice(0, 12))
  }
})

t.test('a reader of its own choosing can not begin inside a secret', async t => {
  const text = Buffer.from(`a ${secret} b\nAuthorization: Bearer abc.def.ghi c\nhttps://me:pa55word@host/ d \u20ac e`)
  const masked = redactor.mask(text.toString())
  for (let at = 0; at <= text.length; at++) {
    const start = at + shiftOfStart(text.subarray(0, at), text.subarray(at), redactor, false)
    const shown = redactor.mask(text.subarray(start).toString())
    t.ok(start === at ? masked.endsWith(shown) : start > at, `${at}: ${shown}`)
    t.notMatch(shown, /bcdefgh|ef\.ghi|5word|\ufffd/, `from ${at}`)
  }
})

t.test('inside a secret that is still being written, a reader begins before it', async t => {
  const text = Buffer.from('say tok-abc')
  t.equal(shiftOfStart(text.subarray(0, 8), text.subarray(8), redactor, false), -4)
  t.equal(shiftOfStart(text.subarray(0, 8), text.subarray(8), redactor, true), 0, 'but not when no more comes')
})

t.test('where a piece of ours ended a reader goes on exactly there', async () => {
  fc.assert(fc.property(texts, fc.array(fc.nat(), { maxLength: 6 }), (text, places) => {
    const bytes = Buffer.from(text)
    const { cuts } = followed(inSteps(bytes, places))
    return cuts.every(cut => shiftOfStart(bytes.subarray(Math.max(0, cut - lookAroundBytes), cut), bytes.subarray(cut), redactor, true) === 0)
  }), { numRuns: 1000 })
})
