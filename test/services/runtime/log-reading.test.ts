import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogTails } from '../../../services/operations/log-tail.ts'
import { createRedactor } from '../../../services/operations/redact.ts'
import { capLog, keptFrom } from '../../../services/runtime/log-file.ts'
import { readKept, readPart, startOffset, type LogBytes } from '../../../services/runtime/log-reading.ts'

const redactor = createRedactor({ env: { API_TOKEN: 'tok-abcdefgh' } })
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}\n`).join('')

async function logOf (t: Test, content: string | Buffer): Promise<string> {
  const path = join(t.testdir({}), 'a.log')
  await writeFile(path, content)
  return path
}

async function bytesOf (t: Test, path: string): Promise<LogBytes> {
  const tail = await createLogTails().open(path, () => {})
  if (tail === null) throw new Error('no log')
  t.teardown(() => tail.release())
  return tail
}

/** The whole log by parts of `limitBytes`. */
async function readAll (path: string, limitBytes: number, hasEnded = true): Promise<{ text: string, parts: number }> {
  let [text, offset, parts] = ['', 0, 0]
  for (;;) {
    const part = await readPart(path, { offset, limitBytes, hasEnded }, redactor)
    if (part === null) throw new Error('no log')
    text += part.content
    parts++
    if (part.isAll || part.nextOffset === offset) return { text, parts }
    offset = part.nextOffset
  }
}

t.test('a part ends with a line, the last one where the log ends', async t => {
  const path = await logOf(t, 'one\ntwo\nthr')
  t.same(await readPart(path, { offset: 0, limitBytes: 6, hasEnded: false }, redactor), { content: 'one\n', offset: 0, nextOffset: 4, isAll: false })
  t.same(await readPart(path, { offset: 4, limitBytes: 100, hasEnded: false }, redactor), { content: 'two\n', offset: 4, nextOffset: 8, isAll: false })
  t.same(await readPart(path, { offset: 8, limitBytes: 100, hasEnded: true }, redactor), { content: 'thr', offset: 8, nextOffset: 11, isAll: true })
  t.same(await readPart(path, { offset: 11, limitBytes: 100, hasEnded: true }, redactor), { content: '', offset: 11, nextOffset: 11, isAll: true })
  t.equal(await readPart(join(path, '..', 'none'), { offset: 0, limitBytes: 1, hasEnded: true }, redactor), null)
})

t.test('parts of any size make the same masked text, whatever is in it', async t => {
  const binary = Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * 7919) % 256 || 1))
  for (const content of [Buffer.from(`a tok-abcdefgh b\n${'x'.repeat(500)}tok-abcdefgh\nAuthorization: Bearer abc.def.ghi\n\u20ac\u{1f600}`), binary]) {
    const path = await logOf(t, content)
    for (const limitBytes of [1, 2, 7, 64, 100_000]) {
      const { text, parts } = await readAll(path, limitBytes)
      t.equal(text, redactor.mask(content.toString()), `${limitBytes} bytes at a time, ${parts} parts`)
    }
  }
})

t.test('half of a secret is not given while it may become a whole one', async t => {
  const path = await logOf(t, 'say tok-abc')
  t.match(await readPart(path, { offset: 0, limitBytes: 100, hasEnded: false }, redactor), { content: 'say ', nextOffset: 4, isAll: false })
  await appendFile(path, 'defgh!')
  t.match(await readPart(path, { offset: 4, limitBytes: 100, hasEnded: false }, redactor), { content: '***!', isAll: true })
  t.match(await readPart(path, { offset: 8, limitBytes: 100, hasEnded: false }, redactor), { content: '!', offset: 16 }, 'nor from its middle on')
})

t.test('what was capped away is skipped, and the mark beside the log is read for zeros only', async t => {
  const path = await logOf(t, numbered(1, 20_000))
  const log = await bytesOf(t, path)
  const { method, from } = await capLog(path, 40_000)
  if (method !== 'hole') return t.pass('no holes on this file system')
  const kept = await readKept(log, path, 0, 100)
  t.equal(kept.offset, from)
  t.match(kept.bytes.toString(), /^line \d+\n/)
  t.match(await readKept(log, path, from + 10, 100), { offset: from + 10 })
  const part = await readPart(path, { offset: 0, limitBytes: 1_000_000, hasEnded: true }, redactor)
  t.match(part, { offset: from, isAll: true })
  t.ok(part?.content.endsWith('line 20000\n'))
  t.equal(await startOffset(path, { offset: 5000, hasEnded: true }, redactor), 5000, 'who comes back is told what is gone')
  // A mark that can't be right is not found unless somebody looks.
  await writeFile(`${path}.from`, String(await log.size()))
  t.match(await readKept(log, path, from + 10, 100), { offset: from + 10 })
})

t.test('zeros a program has printed are text', async t => {
  const path = await logOf(t, 'a\0b\n\0\0\n')
  t.match(await readPart(path, { offset: 0, limitBytes: 100, hasEnded: true }, redactor), { content: 'a\0b\n\0\0\n', offset: 0, isAll: true })
  t.equal(await keptFrom(path, 7), 0)
})

t.test('a log that was copied shorter is read from its head', async t => {
  const path = await logOf(t, numbered(1, 1000))
  const log = await bytesOf(t, path)
  await truncate(path, 0)
  await appendFile(path, 'the tail\n')
  t.match(await readKept(log, path, 5000, 100), { bytes: Buffer.from('the tail\n'), offset: 0 })
  t.match(await readPart(path, { offset: 5000, limitBytes: 100, hasEnded: true }, redactor), { content: 'the tail\n', offset: 0 })
})

t.test('a reader of the end begins with a line', async t => {
  const path = await logOf(t, numbered(1, 9))
  t.equal(await startOffset(path, { tail: 14, hasEnded: false }, redactor), 49)
  t.equal(await startOffset(path, { tail: 13, hasEnded: false }, redactor), 56)
  t.equal(await startOffset(path, { tail: 0, hasEnded: false }, redactor), 63)
  t.equal(await startOffset(path, { tail: 1000, hasEnded: false }, redactor), 0)
  await writeFile(path, 'no lines here')
  t.equal(await startOffset(path, { tail: 4, hasEnded: false }, redactor), 9)
  t.equal(await startOffset(join(path, '..', 'none'), { tail: 4, hasEnded: false }, redactor), null)
})
