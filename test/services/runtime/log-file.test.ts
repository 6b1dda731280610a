import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { terminate } from '../../../services/process/terminate.ts'
import { capLog, openServiceLog, readLastLines, readLog } from '../../../services/runtime/log-file.ts'
import { eventually, startProgram } from '../../fixtures/processes.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}\n`).join('')
const numbersOf = (text: string) => [...text.matchAll(/^(\d+) x+$/gm)].map(([, number]) => Number(number))

t.test('a log is made with its folders, for its owner only, and tells where the next lines begin', async t => {
  const path = join(await temporaryFolder(t), 'logs', 'services', 'a.log')
  t.same(await openServiceLog(path), { path, fromByte: 0 })
  t.equal((await stat(path)).mode & 0o777, 0o600)
  await appendFile(path, 'before\n')
  t.same(await openServiceLog(path), { path, fromByte: 7 })
  t.equal(await readFile(path, 'utf8'), 'before\n')
})

t.test('the last lines come oldest first, an unfinished one too', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  t.same(await readLastLines(path, 5), [], 'no log yet')
  await writeFile(path, '')
  t.same(await readLastLines(path, 5), [])
  await writeFile(path, 'a\nb\n\nc')
  t.same(await readLastLines(path, 2), ['', 'c'])
  t.same(await readLastLines(path, 50), ['a', 'b', '', 'c'])
  t.same(await readLastLines(path, 0), [])
  t.same(await readLastLines(path, 50, { fromByte: 2 }), ['b', '', 'c'], 'of this start only')
})

t.test('the last lines of a large log are whole and bounded', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  await writeFile(path, numbered(1, 50_000))
  const lines = await readLastLines(path, 100_000, { maxBytes: 1000 })
  t.equal(lines.at(-1), 'line 50000')
  t.match(lines[0], /^line 49\d\d\d$/)
  t.ok(lines.join('\n').length <= 1000)
})

t.test('a log below its cap is left as it is', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  await writeFile(path, numbered(1, 10))
  t.same(await capLog(path, 1000), { method: 'none', from: 0 })
  t.equal(await readFile(path, 'utf8'), numbered(1, 10))
})

t.test('a log over its cap keeps its last lines, whole, and is read over what is gone', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  await writeFile(path, numbered(1, 20_000))
  const { size } = await stat(path)
  const { method } = await capLog(path, 40_000)
  t.not(method, 'none')
  const { content, offset, nextOffset } = await readLog(path, { offset: 0, limitBytes: 100_000 })
  t.match(content, /^line \d+\n/)
  t.ok(content.endsWith('line 20000\n'))
  t.ok(content.length > 15_000 && content.length <= 40_000, `${content.length} bytes are kept`)
  t.notMatch(content, '\0')
  t.equal(nextOffset, offset + content.length)
  t.same((await readLastLines(path, 100_000)).length, content.split('\n').length - 1)
  if (method === 'hole') {
    const after = await stat(path)
    t.equal(after.size, size, 'offsets stay')
    t.ok(after.blocks * 512 < 60_000, `${after.blocks * 512} bytes on disk`)
  }
  await appendFile(path, 'more\n')
  t.equal((await readLog(path, { offset: nextOffset, limitBytes: 1000 })).content, 'more\n')
  t.match(await capLog(path, 40_000), { method: 'none' }, 'half of the cap is free again')
})

t.test('where no hole can be made the tail is copied, and reading goes on', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  const searchPath = process.env.PATH
  t.teardown(() => { process.env.PATH = searchPath })
  await writeFile(path, numbered(1, 20_000))
  process.env.PATH = '/nonexistent'
  const result = await capLog(path, 40_000)
  process.env.PATH = searchPath
  t.same(result, { method: 'copy', from: 0 })
  const { size } = await stat(path)
  t.ok(size <= 40_000, `${size} bytes`)
  const { content } = await readLog(path, { offset: 190_000, limitBytes: 100_000 })
  t.match(content, /^line \d+\n/, 'an offset of the longer log begins at the head')
  t.ok(content.endsWith('line 20000\n'))
})

t.test('no line of a writer at work is lost while its log is capped again and again', async t => {
  const { process: root, mark, logPath: path, says } = await startProgram(t, 'writes-steadily.js')
  const seen: number[] = []
  let offset = 0
  let holes = 0
  const follow = async () => {
    const piece = await readLog(path, { offset, limitBytes: 10_000_000 })
    offset = piece.nextOffset
    seen.push(...numbersOf(piece.content))
  }
  await eventually(async () => {
    await follow()
    const { method } = await capLog(path, 100_000)
    if (method === 'hole') holes++
    return method === 'copy' || holes >= 5
  }, 'the log was capped five times')
  await terminate({ root, mark, graceMs: 10_000 })
  const count = Number(await says(/wrote (\d+) lines/))
  await follow()
  if (holes < 5) return t.pass('no holes on this file system')
  t.same(seen.length, count)
  t.equal(seen.findIndex((number, at) => number !== at + 1), -1, 'every line once, in order')
})

t.test('a piece ends with a line, or with a whole character where no line ends', async t => {
  const path = join(await temporaryFolder(t), 'a.log')
  await writeFile(path, 'first\nsecond\nthi')
  t.match(await readLog(path, { offset: 0, limitBytes: 8 }), { content: 'first\n', nextOffset: 6, size: 16 })
  t.match(await readLog(path, { offset: 6, limitBytes: 100 }), { content: 'second\n', nextOffset: 13 })
  t.match(await readLog(path, { offset: 13, limitBytes: 100 }), { content: 'thi', nextOffset: 16 })
  t.match(await readLog(path, { offset: 16, limitBytes: 100 }), { content: '', nextOffset: 16 })
  t.match(await readLog(path, { offset: 99, limitBytes: 6 }), { content: 'first\n', offset: 0 })
  await writeFile(path, '\u00e9'.repeat(3) + '\u{1f600}')
  t.match(await readLog(path, { offset: 0, limitBytes: 5 }), { content: '\u00e9\u00e9', nextOffset: 4 })
  t.match(await readLog(path, { offset: 4, limitBytes: 5 }), { content: '\u00e9', nextOffset: 6 })
  t.match(await readLog(path, { offset: 6, limitBytes: 4 }), { content: '\u{1f600}', nextOffset: 10 })
  await writeFile(path, Buffer.from([0xff, 0xc3, 0xff, 0xf0]))
  t.match(await readLog(path, { offset: 0, limitBytes: 4 }), { nextOffset: 3 })
  t.match(await readLog(path, { offset: 3, limitBytes: 4 }), { nextOffset: 4 }, 'what is no text never stops it')
  t.match(await readLog(join(path, 'missing'), { offset: 0, limitBytes: 4 }), { content: '', size: 0 })
})
