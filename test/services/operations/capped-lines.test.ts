import t from 'tap'
import { createCappedLines } from '../../../services/operations/capped-lines.ts'

interface Line { ts: string, stream: string, chunk: string }

function collect (maxBytes: number) {
  const lines: Buffer[] = []
  const sink = createCappedLines({ add: line => lines.push(line), maxBytes, now: () => new Date(0) })
  return { sink, bytes: () => Buffer.concat(lines).length, parsed: () => lines.map(line => JSON.parse(line.toString()) as Line) }
}

t.test('each piece of text is a line with its time and stream', async t => {
  const { sink, parsed } = collect(100_000)
  sink.put('stdout', 'a\nb\n')
  sink.put('stderr', 'c')
  sink.put('system', 'd')
  sink.put('stdout', '')
  t.same(parsed().map(({ stream, chunk }) => [stream, chunk]), [['stdout', 'a\nb\n'], ['stderr', 'c'], ['system', 'd']])
  t.equal(parsed()[0]?.ts, '1970-01-01T00:00:00.000Z')
  t.notOk(sink.capped)
})

t.test('a full log ends in one marker line and takes no more output', async t => {
  const { sink, parsed, bytes } = collect(5000)
  for (let index = 0; index < 100; index++) sink.put(index % 2 === 0 ? 'stdout' : 'stderr', 'x'.repeat(100))
  t.ok(sink.capped)
  t.ok(bytes() <= 5000, `${bytes()} bytes`)
  t.equal(parsed().filter(({ stream }) => stream === 'system').length, 1)
  t.match(parsed().at(-1)?.chunk, /limit of 5000 bytes/)
  t.match(parsed().at(-2), { chunk: /^x+$/ }, 'the last output line is filled up, not left out')
})

t.test('the marker also comes where the log is full long before the end of one text', t => {
  const { sink, parsed, bytes } = collect(20_000)
  sink.put('stdout', 'x'.repeat(100_000))
  t.match(parsed().at(-1), { stream: 'system', chunk: /limit of 20000 bytes/ })
  t.equal(parsed().filter(({ stream }) => stream === 'system').length, 1)
  t.ok(bytes() <= 20_000)
  t.end()
})

t.test('what the service has to say still fits after the marker, within the limit', async t => {
  const { sink, parsed, bytes } = collect(10_000)
  sink.put('stdout', 'x'.repeat(20_000))
  sink.put('system', 'ended after 5 s\n')
  t.equal(parsed().at(-1)?.chunk, 'ended after 5 s\n')
  for (let index = 0; index < 1000; index++) sink.put('system', 'more of it\n')
  t.ok(bytes() <= 10_000)
})

t.test('a log smaller than any line stays within its limit', async t => {
  const { sink, bytes } = collect(40)
  sink.put('stdout', 'text')
  sink.put('system', 'text')
  t.ok(sink.capped)
  t.ok(bytes() <= 40)
})
