import t from 'tap'
import { encodeLine, encodeWhatFits, headOf, maxChunkChars, piecesOf } from '../../../services/operations/log-line.ts'

const line = (chunk: string) => ({ ts: '2026-01-01T00:00:00.000Z', stream: 'stdout' as const, chunk })

t.test('a line is one JSON text and a line feed, whatever its chunk holds', async t => {
  const encoded = encodeLine(line('two\nlines\r\n\0"')).toString()
  t.equal(encoded.indexOf('\n'), encoded.length - 1)
  t.same(JSON.parse(encoded), line('two\nlines\r\n\0"'))
})

t.test('text is cut into pieces that join again, never through a surrogate pair', async t => {
  const text = 'x'.repeat(maxChunkChars - 1) + '😀'.repeat(maxChunkChars)
  const pieces = [...piecesOf(text)]
  t.equal(pieces.join(''), text)
  for (const piece of pieces) {
    t.ok(piece.length <= maxChunkChars)
    t.ok(piece.isWellFormed())
  }
  t.same([...piecesOf('')], [])
  t.equal(headOf('a😀', 2), 'a')
})

t.test('a line is cut to the bytes there are', async t => {
  for (const chunk of ['plain '.repeat(500), 'ü€😀'.repeat(500), '\0'.repeat(500)]) {
    const fitted = encodeWhatFits(line(chunk), 1000)
    t.ok(fitted !== null && fitted.length <= 1000 && fitted.length > 800, `${fitted?.length}`)
    const kept: unknown = JSON.parse(String(fitted))
    t.ok(chunk.startsWith((kept as { chunk: string }).chunk))
  }
  t.same(encodeWhatFits(line('short'), 1000), encodeLine(line('short')), 'a line that fits is whole')
  t.equal(encodeWhatFits(line('text'), 30), null, 'no line without text')
})
