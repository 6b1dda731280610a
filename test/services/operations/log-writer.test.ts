import t from 'tap'
import type { AppendQueue } from '../../../services/operations/append-queue.ts'
import { createLogWriter } from '../../../services/operations/log-writer.ts'
import { createRedactor } from '../../../services/operations/redact.ts'

interface Line { stream: string, chunk: string }

/** A writer onto a list; its queue is full until `drain` is called. */
function onList ({ failure = null, full = false }: { failure?: Error | null, full?: boolean } = {}) {
  const lines: Line[] = []
  const gate = Promise.withResolvers<void>()
  if (!full) gate.resolve()
  const queue: AppendQueue = {
    add: (bytes) => { lines.push(JSON.parse(bytes.toString()) as Line) },
    room: async () => await gate.promise,
    drained: async () => {},
    close: async () => ({ bytes: 7, sha256: 'abc', failure })
  }
  const writer = createLogWriter({ logRef: 'ref', queue, redactor: createRedactor(), maxBytes: 1_000_000, now: () => new Date(0) })
  return { writer, lines, drain: gate.resolve }
}

t.test('lines keep the order in which output came, over both streams', async t => {
  const { writer, lines } = onList()
  for (const [stream, chunk] of [['stdout', 'one '], ['stderr', 'two '], ['system', 'three'], ['stdout', Buffer.from('four ')]] as const) await writer.write(stream, chunk)
  t.same(lines.map(({ stream, chunk }) => [stream, chunk]), [['stdout', 'one '], ['stderr', 'two '], ['system', 'three'], ['stdout', 'four ']])
})

t.test('a producer waits while the disk is behind', async t => {
  const { writer, drain } = onList({ full: true })
  let written = false
  const writing = writer.write('stdout', 'x').then(() => { written = true })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(written)
  drain()
  await writing
  t.ok(written)
})

t.test('what was held back comes with the close', async t => {
  const { writer, lines } = onList()
  await writer.write('stdout', Buffer.from([0xe2, 0x82]))
  await writer.write('stderr', '://me:pa55')
  t.same(lines, [])
  t.match(await writer.close(), { stdoutExcerpt: '\uFFFD', stderrExcerpt: '://me:pa55', bytes: 7, sha256: 'abc', capped: false })
  t.same(lines.map(({ stream }) => stream), ['stdout', 'stderr'])
})

t.test('a line of the service ends in a line feed', async t => {
  const { writer, lines } = onList()
  writer.system('told')
  writer.system('told\n')
  t.same(lines.map(({ chunk }) => chunk), ['told\n', 'told\n'])
})

t.test('a failed write is told by the close, not thrown at the producer', async t => {
  const failure = new Error('no space left on device')
  const { writer } = onList({ failure })
  await writer.write('stdout', 'x')
  t.equal((await writer.close()).failure, failure)
})
