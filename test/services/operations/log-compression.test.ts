import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { compressLog, newPath } from '../../../services/operations/log-compression.ts'
import { compressedPath, openLogSource, type LogSource } from '../../../services/operations/log-source.ts'

const forever = new AbortController().signal
const content = Buffer.from(Array.from({ length: 6000 }, (_, index) => `{"line":${index},"chunk":"${'é'.repeat(index % 50)}"}\n`).join(''))
const sha256 = createHash('sha256').update(content).digest('hex')

async function newLog (t: Test): Promise<string> {
  const path = join(t.testdir({}), 'a.ndjson')
  await writeFile(path, content)
  return path
}

async function opened (path: string): Promise<LogSource> {
  const source = await openLogSource(path)
  if (source === null) throw new Error('no log')
  return source
}

const names = async (path: string) => (await readdir(dirname(path))).sort()

t.test('a compressed log is read as before, from any place', async t => {
  const path = await newLog(t)
  const before = await opened(path)
  t.equal(await compressLog(path, sha256, forever), true)
  t.same(await names(path), ['a.ndjson.gz'])
  const after = await opened(path)
  t.same([before.isCompressed, after.isCompressed, await after.size()], [false, true, content.length])
  await fc.assert(fc.asyncProperty(fc.nat(content.length + 10), fc.nat(200_000), async (position, length) => {
    const [one, other] = [await before.read(position, length), await after.read(position, length)]
    if (!one.equals(other) || !one.equals(content.subarray(position, position + length))) throw new Error('they differ')
  }), { numRuns: 60 })
  await before.close()
  await after.close()
})

t.test('what a crash left is finished or done again', async t => {
  for (const left of ['half of it', 'all but the removal', 'all']) {
    const path = await newLog(t)
    if (left === 'half of it') await writeFile(newPath(path), 'half')
    else {
      await compressLog(path, sha256, forever)
      if (left === 'all but the removal') await writeFile(path, content)
    }
    t.equal(await compressLog(path, sha256, forever), true, left)
    t.same(await names(path), ['a.ndjson.gz'], left)
    const source = await opened(path)
    t.ok((await source.read(0, content.length)).equals(content), left)
    await source.close()
  }
  t.equal(await compressLog(join(t.testdir({}), 'none'), sha256, forever), false, 'where there is nothing, nothing is done')
})

t.test('a log that is not what it was is left as it is', async t => {
  const path = await newLog(t)
  await t.rejects(compressLog(path, 'another', forever), { message: /not what it was/ })
  await t.rejects(compressLog(path, sha256, AbortSignal.abort(new Error('ending'))), { message: 'ending' })
  t.same(await names(path), ['a.ndjson'])
  t.ok((await readFile(path)).equals(content))
})

t.test('a reader who comes in between always finds the log', async t => {
  const path = await newLog(t)
  const copy = join(dirname(path), 'copy')
  await copyFile(path, copy)
  const compressed = new AbortController()
  let reads = 0
  const reader = (async () => {
    while (!compressed.signal.aborted) {
      const source = await opened(path)
      const part = await source.read(100_000, 50)
      if (!part.equals(content.subarray(100_000, 100_050))) throw new Error('another text')
      await source.close()
      reads++
    }
  })()
  for (let round = 0; round < 20; round++) {
    await compressLog(path, sha256, forever)
    await copyFile(copy, path)
  }
  compressed.abort()
  await reader
  t.ok(reads > 20, `${reads} reads`)
  t.ok((await readdir(dirname(path))).includes('a.ndjson.gz'))
})

t.test('a compressed log that is damaged is told of, not read', async t => {
  const path = await newLog(t)
  await compressLog(path, sha256, forever)
  await writeFile(compressedPath(path), 'damaged')
  await t.rejects(openLogSource(path), { message: /damaged/ })
})
