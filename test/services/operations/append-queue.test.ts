import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAppendFile } from '../../../services/operations/append-file.ts'
import { createAppendQueue, type AppendFile } from '../../../services/operations/append-queue.ts'

async function newFile (t: Test): Promise<{ path: string, file: AppendFile }> {
  const path = join(t.testdir({}), 'log')
  return { path, file: await createAppendFile(path) }
}

t.test('bytes reach the file in the order they were added, counted and hashed', async t => {
  const { path, file } = await newFile(t)
  const queue = createAppendQueue(file)
  const parts = Array.from({ length: 1000 }, (_, index) => Buffer.from(`${index}\n`))
  for (const part of parts) queue.add(part)
  const summary = await queue.close()
  const content = await readFile(path)
  t.same(content, Buffer.concat(parts))
  t.same(summary, { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), failure: null })
  t.same(await queue.close(), summary, 'closing again gives the same answer')
})

t.test('what was added is in the file once it is drained, before closing', async t => {
  const { path, file } = await newFile(t)
  const queue = createAppendQueue(file)
  queue.add(Buffer.from('first'))
  await queue.drained()
  t.equal(await readFile(path, 'utf8'), 'first')
  queue.add(Buffer.from(' second'))
  await queue.drained()
  t.equal(await readFile(path, 'utf8'), 'first second')
  await queue.close()
})

t.test('a caller that waits for room never has more than a few megabytes waiting', async t => {
  const { file } = await newFile(t)
  let waiting = 0
  let most = 0
  const slow = {
    async write (bytes: Buffer, offset: number) {
      await new Promise(resolve => setImmediate(resolve))
      waiting -= bytes.length - offset
      return { bytesWritten: bytes.length - offset, buffer: bytes }
    },
    truncate: async () => {},
    close: async () => await file.close()
  }
  const queue = createAppendQueue(slow)
  for (let index = 0; index < 200; index++) {
    queue.add(Buffer.alloc(262_144))
    waiting += 262_144
    most = Math.max(most, waiting)
    await queue.room()
  }
  t.equal((await queue.close()).bytes, 200 * 262_144)
  t.ok(most <= 4 * 1_048_576, `${most} bytes waited at most`)
})

t.test('a write in several steps is completed', async t => {
  const written: Buffer[] = []
  const halting = {
    async write (bytes: Buffer, offset: number) {
      const part = bytes.subarray(offset, offset + 3)
      written.push(Buffer.from(part))
      return { bytesWritten: part.length, buffer: bytes }
    },
    async truncate () {},
    async close () {}
  }
  const queue = createAppendQueue(halting)
  queue.add(Buffer.from('0123456789'))
  t.equal((await queue.close()).bytes, 10)
  t.equal(Buffer.concat(written).toString(), '0123456789')
})

t.test('a failing disk ends the log, not the caller: the summary says why and counts what is there', async t => {
  let calls = 0
  const truncatedTo: number[] = []
  const full = {
    async write (bytes: Buffer, offset: number) {
      if (++calls > 1) throw new Error('no space left on device')
      return { bytesWritten: bytes.length - offset, buffer: bytes }
    },
    async truncate (length: number) { truncatedTo.push(length) },
    async close () {}
  }
  const queue = createAppendQueue(full)
  queue.add(Buffer.from('kept'))
  await queue.drained()
  queue.add(Buffer.from('lost'))
  await queue.drained()
  queue.add(Buffer.from('never tried'))
  await queue.room()
  const summary = await queue.close()
  t.equal(summary.bytes, 4)
  t.equal(summary.sha256, createHash('sha256').update('kept').digest('hex'))
  t.match(summary.failure?.message, 'no space')
  t.same(truncatedTo, [4])
  t.equal(calls, 2)
})
