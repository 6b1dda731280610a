import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { compressFile, readBlock, readIndex } from '../../../services/operations/block-gzip.ts'

const forever = new AbortController().signal

async function compressed (t: Test, content: Buffer): Promise<{ path: string, sha256: string, bytes: number }> {
  const folder = t.testdir({})
  await writeFile(join(folder, 'plain'), content)
  const from = await open(join(folder, 'plain'), 'r')
  const path = join(folder, 'plain.gz')
  const to = await open(path, 'w')
  const summary = await compressFile(from, to, forever)
  await from.close()
  await to.close()
  return { path, ...summary }
}

t.test('any gzip program reads it, and its blocks are found one by one', async t => {
  const text = Buffer.from('a line of a log, as there are many\n'.repeat(5000))
  for (const content of [Buffer.alloc(0), Buffer.from('x'), text, Buffer.alloc(65_536, 'y'), randomBytes(200_000)]) {
    const { path, bytes, sha256 } = await compressed(t, content)
    t.ok(execFileSync('zcat', [path], { maxBuffer: 10_000_000 }).equals(content), `${content.length} bytes`)
    t.equal(bytes, content.length)
    t.equal(sha256, createHash('sha256').update(content).digest('hex'))
    const file = await open(path, 'r')
    const index = await readIndex(file)
    t.equal(index.plainBytes, content.length)
    const blocks: Buffer[] = []
    for (let block = 0; block < index.starts.length - 1; block++) blocks.push(await readBlock(file, index, block))
    t.ok(Buffer.concat(blocks).equals(content))
    await file.close()
  }
})

t.test('a damaged file is never taken for a log', async t => {
  const { path } = await compressed(t, Buffer.from('a line of a log\n'.repeat(10_000)))
  const file = await open(path, 'r+')
  t.teardown(() => file.close())
  const index = await readIndex(file)
  await file.write(Buffer.from([0xAA, 0xAA, 0xAA]), 0, 3, (index.starts[1] ?? 0) + 40)
  await t.rejects(readBlock(file, index, 1))
  t.ok(await readBlock(file, index, 0), 'the other blocks can still be read')
  await file.truncate((await file.stat()).size - 1)
  await t.rejects(readIndex(file), { message: /damaged/ })
  await file.truncate(3)
  await t.rejects(readIndex(file), { message: /damaged/ })
})

t.test('it can be told to end', async t => {
  const folder = t.testdir({ plain: 'x' })
  const [from, to] = [await open(join(folder, 'plain'), 'r'), await open(join(folder, 'to'), 'w')]
  await t.rejects(compressFile(from, to, AbortSignal.abort(new Error('ending'))), { message: 'ending' })
  await from.close()
  await to.close()
})
