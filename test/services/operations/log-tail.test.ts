import { appendFile, readdir, readlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogTails, type LogTail } from '../../../services/operations/log-tail.ts'
import { createWakeUp } from '../../../services/operations/wake-up.ts'
import { eventually } from '../../fixtures/eventually.ts'

async function newLog (t: Test, content = ''): Promise<string> {
  const path = join(t.testdir({}), 'a.log')
  await writeFile(path, content)
  return path
}

/** How often this process has the file open. */
async function handles (path: string): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map(async name => await readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter(target => target === path).length
}

async function opened (t: Test, tails: ReturnType<typeof createLogTails>, path: string, onChange = () => {}): Promise<LogTail> {
  const tail = await tails.open(path, onChange)
  if (tail === null) throw new Error('no such log')
  t.teardown(() => tail.release())
  return tail
}

const readText = async (tail: LogTail, offset: number, maxBytes = 100) => (await tail.read(offset, maxBytes)).bytes.toString()

t.test('a log that is not there is null, and nothing stays open', async t => {
  const tails = createLogTails()
  t.equal(await tails.open(join(t.testdir({}), 'none'), () => {}), null)
  t.equal(tails.openFiles, 0)
  await t.rejects(tails.open(t.testdir({}) + '\0', () => {}))
  t.equal(tails.openFiles, 0)
})

t.test('readers read from any place, and learn the size at the end', async t => {
  const path = await newLog(t, 'abcdef')
  const tail = await opened(t, createLogTails(), path)
  t.equal(await readText(tail, 0, 4), 'abcd')
  t.equal(await readText(tail, 4, 4), 'ef')
  t.same(await tail.read(6, 4), { bytes: Buffer.alloc(0), size: 6 })
  await truncate(path, 2)
  t.match(await tail.read(6, 4), { size: 2 }, 'also when it became shorter')
  t.equal(await tail.size(), 2)
})

t.test('a reader is told of what is written, without being asked again', async t => {
  const path = await newLog(t)
  const { notify, next } = createWakeUp()
  const tail = await opened(t, createLogTails(), path, notify)
  for (let line = 1; line <= 20; line++) {
    await appendFile(path, `${line}\n`)
    let text = ''
    for (const deadline = performance.now() + 1000; text === '' && performance.now() < deadline;) {
      await next()
      text = await readText(tail, offsetOf(line))
    }
    t.equal(text, `${line}\n`)
  }
})

/** Where a numbered line begins. */
function offsetOf (line: number): number {
  return Array.from({ length: line - 1 }, (_, at) => `${at + 1}\n`).join('').length
}

t.test('many readers share one handle, which is closed with the last of them', async t => {
  const path = await newLog(t, 'x')
  const tails = createLogTails()
  const readers = await Promise.all(Array.from({ length: 50 }, async () => await opened(t, tails, path)))
  t.equal(await handles(path), 1)
  t.equal(tails.openFiles, 1)
  for (const reader of readers.slice(1)) reader.release()
  readers[1]?.release()
  t.equal(await readText(readers[0] as LogTail, 0), 'x', 'giving up a share twice takes nobody else\'s')
  readers[0]?.release()
  t.equal(tails.openFiles, 0)
  await eventually(async () => await handles(path) === 0, 'the file to be closed')
  const again = await opened(t, tails, path)
  t.equal(await readText(again, 0), 'x')
})

t.test('one that comes while the last one leaves gets an open file', async t => {
  const path = await newLog(t, 'x')
  const tails = createLogTails()
  for (let round = 0; round < 50; round++) {
    const first = await opened(t, tails, path)
    const coming = tails.open(path, () => {})
    first.release()
    const second = await coming
    t.equal(await readText(second as LogTail, 0), 'x')
    second?.release()
  }
  t.equal(tails.openFiles, 0)
})

t.test('readers of the same place share one read, but never one from before a change', async t => {
  const path = await newLog(t, 'one\n')
  const { notify, next } = createWakeUp()
  const tail = await opened(t, createLogTails(), path, notify)
  const [a, b] = await Promise.all([tail.read(0, 100), tail.read(0, 100)])
  t.equal(a.bytes, b.bytes, 'the very same bytes')
  const before = tail.read(4, 100)
  await appendFile(path, 'two\n')
  await next()
  t.equal(await readText(tail, 4), 'two\n')
  await before
})

t.test('a writer without pause tells its readers a bounded number of times', async t => {
  const path = await newLog(t)
  let told = 0
  await opened(t, createLogTails(), path, () => { told++ })
  const begun = performance.now()
  for (let line = 0; line < 2000; line++) await appendFile(path, 'x\n')
  const tookMs = performance.now() - begun
  t.ok(told > 0)
  t.ok(told <= tookMs / 10 + 2, `${told} times in ${Math.round(tookMs)} ms`)
})
