import { createHash, randomUUID } from 'node:crypto'
import { appendFile, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogStore, type LogStore } from '../../../services/operations/log-store.ts'
import { createRedactor } from '../../../services/operations/redact.ts'
import { eventually } from '../../fixtures/eventually.ts'

interface Line { ts: string, stream: string, chunk: string }

function newStore (t: Test, maxBytes = 10_000_000): { store: LogStore, dataDir: string } {
  const dataDir = t.testdir({})
  return { dataDir, store: createLogStore({ dataDir, maxBytes, redactor: createRedactor({ env: { MY_TOKEN: 'tok-abcdefgh' } }) }) }
}

const parse = (content: string): Line[] => content.split('\n').filter(Boolean).map(line => JSON.parse(line) as Line)

/** Reads a log part by part; checks that each part is whole lines. */
async function readAll (t: Test, store: LogStore, logRef: string, limitBytes: number): Promise<{ lines: Line[], parts: number }> {
  const lines: Line[] = []
  for (let offset = 0, parts = 1; ; parts++) {
    const part = await store.read(logRef, { offset, limitBytes })
    if (part === null) throw new Error('no log')
    t.ok(part.content === '' || part.content.endsWith('\n'))
    lines.push(...parse(part.content))
    if (part.atEnd) return { lines, parts }
    t.ok(part.nextOffset > offset, 'a reader gets on')
    offset = part.nextOffset
  }
}

t.test('a log is readable while it is written, line by line', async t => {
  const { store } = newStore(t)
  const id = randomUUID()
  const writer = await store.open(id)
  t.same(await store.read(writer.logRef, { offset: 0, limitBytes: 1000 }), { content: '', nextOffset: 0, atEnd: true, size: 0 }, 'empty from the start')
  await writer.write('stdout', 'first\n')
  const from = async (offset: number): Promise<Line[]> => parse((await store.read(writer.logRef, { offset, limitBytes: 1000 }))?.content ?? '')
  await eventually(async () => (await from(0)).length === 1, 'the first line')
  t.match(await from(0), [{ stream: 'stdout', chunk: 'first\n' }])
  const { nextOffset } = await store.read(writer.logRef, { offset: 0, limitBytes: 1000 }) ?? { nextOffset: 0 }
  await writer.write('stderr', Buffer.from('second\n'))
  writer.system('third')
  await eventually(async () => (await from(nextOffset)).length === 2, 'two more lines')
  t.match(await from(nextOffset), [{ stream: 'stderr', chunk: 'second\n' }, { stream: 'system', chunk: 'third\n' }])
  await writer.close()
})

t.test('a closed log tells its size, its SHA-256 and the ends of its streams', async t => {
  const { store, dataDir } = newStore(t)
  const writer = await store.open(randomUUID())
  await writer.write('stdout', `start ${'x'.repeat(5000)} tok-abcdefgh`)
  await writer.write('stderr', 'oh')
  t.equal(writer.excerpt('stderr'), 'oh')
  const summary = await writer.close()
  const content = await readFile(join(dataDir, 'logs', writer.logRef))
  t.equal(summary.bytes, content.length)
  t.equal(summary.sha256, createHash('sha256').update(content).digest('hex'))
  t.equal(summary.stdoutExcerpt?.length, 4096)
  t.ok(summary.stdoutExcerpt?.endsWith('x ***'))
  t.equal(summary.stderrExcerpt, 'oh')
  t.notOk(summary.capped)
  t.notMatch(content.toString(), 'tok-abcdefgh')
  await writer.write('stdout', 'too late')
  writer.system('too late')
  t.same(await writer.close(), summary, 'what comes after the close is dropped')
})

t.test('logs are private to the user and never opened twice', async t => {
  const { store, dataDir } = newStore(t)
  const id = randomUUID()
  const writer = await store.open(id)
  t.equal((await stat(join(dataDir, 'logs', writer.logRef))).mode & 0o777, 0o600)
  t.equal(writer.logRef, store.refOf(id))
  await t.rejects(store.open(id), { code: 'EEXIST' })
  await writer.close()
  await store.remove(writer.logRef)
  t.equal(await store.read(writer.logRef, { offset: 0, limitBytes: 10 }), null, 'a log that is gone is null')
  t.equal(await store.seal(writer.logRef), null)
})

t.test('a reference that leads out of the store is refused', async t => {
  const { store } = newStore(t)
  await t.rejects(store.read('operations/../../../etc/passwd', { offset: 0, limitBytes: 10 }), /not a log reference/)
  await t.rejects(store.read('operations/ab/../../x.ndjson', { offset: 0, limitBytes: 10 }), /not a log reference/)
})

t.test('parts are whole lines within the limit, and together the whole log', async t => {
  const { store } = newStore(t)
  const writer = await store.open(randomUUID())
  const chunks = Array.from({ length: 300 }, (_, index) => `${index} ${'é'.repeat(index)}\n`)
  for (const chunk of chunks) await writer.write('stdout', chunk)
  const { bytes } = await writer.close()
  for (const limitBytes of [1, 100, 1000, 4096, bytes - 1, bytes, bytes + 1]) {
    const { lines } = await readAll(t, store, writer.logRef, limitBytes)
    t.equal(lines.map(({ chunk }) => chunk).join(''), chunks.join(''), `limit ${limitBytes}`)
  }
  const part = await store.read(writer.logRef, { offset: 0, limitBytes: 1000 })
  t.ok(Buffer.byteLength(part?.content ?? '') <= 1000)
})

t.test('a line longer than the limit is given whole', async t => {
  const { store } = newStore(t)
  const writer = await store.open(randomUUID())
  await writer.write('stdout', 'short\n')
  await writer.write('stdout', '\0'.repeat(16_000))
  await writer.write('stdout', 'end\n')
  await writer.close()
  const { lines, parts } = await readAll(t, store, writer.logRef, 1)
  t.same(lines.map(({ chunk }) => chunk.length), [6, 16_000, 4])
  t.equal(parts, 3)
})

t.test('an offset inside a line goes on at the next line, one beyond the end finds nothing', async t => {
  const { store } = newStore(t)
  const writer = await store.open(randomUUID())
  await writer.write('stdout', 'one\n')
  await writer.write('stdout', 'two\n')
  const { bytes } = await writer.close()
  const middle = await store.read(writer.logRef, { offset: 5, limitBytes: 1000 })
  t.same(parse(middle?.content ?? '').map(({ chunk }) => chunk), ['two\n'])
  t.match(await store.read(writer.logRef, { offset: bytes - 3, limitBytes: 1000 }), { content: '', nextOffset: bytes, atEnd: true })
  t.match(await store.read(writer.logRef, { offset: 9_007_199_254_740_991, limitBytes: 1000 }), { content: '', nextOffset: bytes, atEnd: true })
})

t.test('binary output is kept as text, cut characters are joined', async t => {
  const { store } = newStore(t)
  const writer = await store.open(randomUUID())
  await writer.write('stdout', Buffer.from([0x00, 0xff, 0xe2, 0x82]))
  await writer.write('stderr', 'between\n')
  await writer.write('stdout', Buffer.from([0xac, 0x0a]))
  await writer.close()
  const { lines } = await readAll(t, store, writer.logRef, 1000)
  t.equal(lines.filter(({ stream }) => stream === 'stdout').map(({ chunk }) => chunk).join(''), '\0\uFFFD€\n')
})

t.test('a secret is masked that comes in two chunks, with the secrets of the operation itself', async t => {
  const { store, dataDir } = newStore(t)
  const writer = await store.open(randomUUID())
  writer.addSecrets({ OWN_PASSWORD: 'only-here-1' })
  for (const chunk of ['tok-ab', 'cdefgh and only-', 'here-1\n']) await writer.write('stdout', chunk)
  writer.system('failed with only-here-1')
  await writer.close()
  const content = await readFile(join(dataDir, 'logs', writer.logRef), 'utf8')
  t.notMatch(content, /tok-ab|cdefgh|only-|here-1/)
  t.equal(parse(content).map(({ chunk }) => chunk).join(''), '*** and ***\nfailed with ***\n')
})

t.test('a full log is capped with a marker and stays within its limit', async t => {
  const { store } = newStore(t, 50_000)
  const writer = await store.open(randomUUID())
  for (let index = 0; index < 100; index++) await writer.write('stdout', 'y\n'.repeat(1000))
  await writer.write('stdout', 'the very end\n')
  const summary = await writer.close()
  t.ok(summary.capped)
  t.ok(summary.bytes <= 50_000 && summary.bytes > 40_000, `${summary.bytes} bytes`)
  t.ok(summary.stdoutExcerpt?.endsWith('the very end\n'), 'the excerpt goes on')
  const { lines } = await readAll(t, store, writer.logRef, 4096)
  t.equal(lines.filter(({ stream }) => stream === 'system').length, 1)
})

t.test('memory stays flat while a lot is written', async t => {
  const { store } = newStore(t, 200_000_000)
  const writer = await store.open(randomUUID())
  const chunk = Buffer.from(`${'line of output '.repeat(4)}\n`.repeat(1000))
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let index = 0; index < 1000; index++) {
    await writer.write('stdout', chunk)
    if (index % 50 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  const { bytes } = await writer.close()
  t.ok(bytes > 60_000_000, `${bytes} bytes written`)
  t.ok(most < 40_000_000, `${most} bytes of buffers at most`)
})

t.test('the log of a writer that died is sealed: a torn line goes, the rest is counted', async t => {
  const { store, dataDir } = newStore(t)
  const writer = await store.open(randomUUID())
  await writer.write('stdout', 'whole\n')
  const { bytes, sha256 } = await writer.close()
  await appendFile(join(dataDir, 'logs', writer.logRef), '{"ts":"2026-01-01T00:00:00.000Z","stream":"std')
  const torn = await store.read(writer.logRef, { offset: 0, limitBytes: 10_000 })
  t.equal(parse(torn?.content ?? '').length, 1, 'a torn line is not shown')
  t.same(await store.seal(writer.logRef), { bytes, sha256 })
  t.equal((await stat(join(dataDir, 'logs', writer.logRef))).size, bytes)
  const empty = await store.open(randomUUID())
  await empty.close()
  t.same(await store.seal(empty.logRef), { bytes: 0, sha256: createHash('sha256').digest('hex') })
})
