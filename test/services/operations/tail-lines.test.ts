import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogTails, type LogTail } from '../../../services/operations/log-tail.ts'
import { lineStart, wholeLines } from '../../../services/operations/tail-lines.ts'

async function tailOf (t: Test, content: string): Promise<{ tail: LogTail, path: string }> {
  const path = join(t.testdir({}), 'a.ndjson')
  await writeFile(path, content)
  const tail = await createLogTails().open(path, () => {})
  if (tail === null) throw new Error('no log')
  t.teardown(() => tail.release())
  return { tail, path }
}

t.test('whole lines come as the items of an array; an unfinished one waits', async t => {
  const { tail, path } = await tailOf(t, '{"a":1}\n{"a":2}\n{"a"')
  t.same(await wholeLines(tail, 0), { json: '{"a":1},{"a":2}', bytes: 16, isAll: true })
  t.same(await wholeLines(tail, 16), { json: '', bytes: 0, isAll: true })
  await appendFile(path, ':3}\n')
  t.same(await wholeLines(tail, 16), { json: '{"a":3}', bytes: 8, isAll: true })
})

t.test('a line longer than a piece is whole, and what follows comes later', async t => {
  const long = JSON.stringify({ chunk: 'x'.repeat(200_000) })
  const { tail } = await tailOf(t, `${long}\n${'{}\n'.repeat(200_000)}`)
  const first = await wholeLines(tail, 0)
  t.match(first, { isAll: false })
  t.ok(first.json.startsWith(`${long},{}`))
  const second = await wholeLines(tail, first.bytes)
  t.match(second, { bytes: 32_766, isAll: false })
})

t.test('any place leads to the beginning of a line', async t => {
  const { tail } = await tailOf(t, `11\n${'2'.repeat(40_000)}\n33\n4`)
  const starts = { 0: 0, 1: 3, 2: 3, 3: 3, 4: 40_004, 40_003: 40_004, 40_004: 40_004, 40_005: 40_007, 40_007: 40_007, 40_008: 40_007, 99_999_999: 40_007 }
  for (const [offset, start] of Object.entries(starts)) t.equal(await lineStart(tail, { offset: Number(offset) }), start, offset)
  t.equal(await lineStart(tail, { tail: 3 }), 40_007)
  t.equal(await lineStart(tail, { tail: 4 }), 40_004)
  t.equal(await lineStart(tail, { tail: 1_000_000 }), 0)
  const { tail: empty } = await tailOf(t, '')
  t.equal(await lineStart(empty, { offset: 5 }), 0)
})
