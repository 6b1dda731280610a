/** A folder that is no repository goes into an archive and comes back byte for byte, whatever is in it. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, openSync, ftruncateSync, closeSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { describeFolder, readContent } from '../../../services/folders/manifest.ts'
import { differenceFromStored, storeFolder, verifyStored } from '../../../services/folders/store-folder.ts'
import { dropStoredFolders, findStoredEntry, placesOf, readStoredFile, storedEntries, storeOf } from '../../../services/folders/stored-folder.ts'
import { FolderChanged } from '../../../services/folders/walk.ts'
import { unpackFolder } from '../../../services/folders/unpack-folder.ts'
import { writeFiles } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const signal = new AbortController().signal

async function setUp (t: Test) {
  const root = await temporaryFolder(t)
  const [dataDir, path] = [join(root, 'data'), join(root, 'folder')]
  mkdirSync(path)
  const workspaceId = randomUUID()
  const store = async () => await storeFolder({ dataDir, workspaceId, path, now: () => new Date(), signal })
  const unpack = async (stored: Awaited<ReturnType<typeof store>>, to: string) => await unpackFolder({ dataDir, stored, path: to, staging: `${to}.staging`, signal })
  return { root, dataDir, path, workspaceId, store, unpack }
}

async function described (path: string) {
  const entries = []
  for await (const entry of describeFolder(path)) entries.push(entry)
  return entries
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

t.test('bytes, modes, links, empty folders, times and names of any bytes come back', async t => {
  const { root, dataDir, path, workspaceId, store, unpack } = await setUp(t)
  await writeFiles(path, { 'a.txt': 'one\n', 'deep/er/b.bin': '\0\u00ff', '.env': 'SECRET=1\n', empty: '', '.git/HEAD': 'ref: refs/heads/main\n' })
  mkdirSync(join(path, 'hollow', 'inside'), { recursive: true })
  symlinkSync('a.txt', join(path, 'link'))
  symlinkSync('/nowhere/at/all', join(path, 'dangling'))
  symlinkSync('..', join(path, 'up'))
  writeFileSync(Buffer.concat([bytes(`${path}/`), bytes('n\xe9\n\xff')]), 'no utf-8')
  symlinkSync(bytes('t\xe9'), join(path, 'raw'))
  writeFileSync(join(path, 'deep', 'n'.repeat(255)), 'a long name')
  chmodSync(join(path, 'a.txt'), 0o4751)
  chmodSync(join(path, '.env'), 0o400)
  chmodSync(join(path, 'hollow'), 0o555)
  utimesSync(join(path, 'a.txt'), 1_000_000, 1_000_000)
  const before = await described(path)

  const stored = await store()
  t.match(stored, { entryCount: 16, warnings: [] })
  t.same(await described(path), before, 'it was only read')
  t.same(readdirSync(storeOf(dataDir)).sort(), [`${stored.name}.manifest.jsonl`, `${stored.name}.tar.zst`])
  t.equal(statSync(placesOf(dataDir, stored.name).archive).mode & 0o777, 0o600, 'nobody else may read it')
  t.equal(await differenceFromStored({ dataDir, stored, path }), null)

  const back = join(root, 'back')
  await unpack(stored, back)
  t.same(await described(back), before)
  t.equal(statSync(join(back, 'a.txt')).mtimeMs, 1_000_000_000)
  t.equal(readlinkSync(join(back, 'raw'), { encoding: 'buffer' }).toString('latin1'), 't\xe9')
  t.equal(existsSync(`${back}.staging`), false)

  const plain = join(root, 'plain')
  mkdirSync(plain)
  execFileSync('tar', ['--zstd', '-xpf', placesOf(dataDir, stored.name).archive, '-C', plain])
  t.same(await described(plain), before, 'tar unpacks it without this service')

  const file = await findStoredEntry(dataDir, stored.name, 'deep/er/b.bin')
  const chunks = []
  if (file !== null) for await (const chunk of readStoredFile(dataDir, stored.name, file)) chunks.push(chunk)
  t.same(Buffer.concat(chunks), Buffer.from('\0\u00ff'))
  t.equal(await findStoredEntry(dataDir, stored.name, 'nothing'), null)
  await dropStoredFolders(dataDir, workspaceId)
  await dropStoredFolders(dataDir, workspaceId)
  t.same(readdirSync(storeOf(dataDir)), [])
  t.throws(() => placesOf(dataDir, '../x'), TypeError)
})

t.test('a socket and a pipe are told, and not lost silently', async t => {
  const { root, dataDir, path, store, unpack } = await setUp(t)
  await writeFiles(path, { file: 'x' })
  execFileSync('mkfifo', [join(path, 'pipe')])
  const server = createServer().listen(join(path, 'agent.sock'))
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const stored = await store()
  t.same(stored.warnings, ['agent.sock is a socket, which is not kept', 'pipe is a pipe, which is not kept'])
  t.equal(await differenceFromStored({ dataDir, stored, path }), null)
  await unpack(stored, join(root, 'back'))
  t.same(readdirSync(join(root, 'back')), ['file'])
})

t.test('each kind of change is seen', async t => {
  const { dataDir, path, store } = await setUp(t)
  await writeFiles(path, { a: 'one', b: 'two', 'c/d': 'three' })
  symlinkSync('a', join(path, 'link'))
  const changes: [string, () => void, () => void][] = [
    ['a byte', () => writeFileSync(join(path, 'a'), 'One'), () => writeFileSync(join(path, 'a'), 'one')],
    ['more bytes', () => appendFileSync(join(path, 'a'), '!'), () => writeFileSync(join(path, 'a'), 'one')],
    ['a mode', () => chmodSync(join(path, 'b'), 0o600), () => chmodSync(join(path, 'b'), 0o644)],
    ['a new file', () => writeFileSync(join(path, 'c', 'e'), ''), () => rmSync(join(path, 'c', 'e'))],
    ['a new file at the end', () => writeFileSync(join(path, 'z'), ''), () => rmSync(join(path, 'z'))],
    ['a file that is gone', () => rmSync(join(path, 'b')), () => writeFileSync(join(path, 'b'), 'two')],
    ['a new folder', () => mkdirSync(join(path, 'f')), () => rmSync(join(path, 'f'), { recursive: true })],
    ['a link elsewhere', () => { rmSync(join(path, 'link')); symlinkSync('b', join(path, 'link')) }, () => { rmSync(join(path, 'link')); symlinkSync('a', join(path, 'link')) }],
    ['a pipe', () => execFileSync('mkfifo', [join(path, 'p')]), () => rmSync(join(path, 'p'))]
  ]
  chmodSync(join(path, 'b'), 0o644)
  const stored = await store()
  for (const [what, make, undo] of changes) {
    make()
    t.match(await differenceFromStored({ dataDir, stored, path }), /is not as stored/, what)
    undo()
    t.equal(await differenceFromStored({ dataDir, stored, path }), null, `without ${what}`)
  }
})

t.test('a damaged archive is found out, and nothing of it comes to the place', async t => {
  const { root, dataDir, path, store, unpack } = await setUp(t)
  await writeFiles(path, { a: 'x'.repeat(10_000), b: 'y' })
  const stored = await store()
  const { archive } = placesOf(dataDir, stored.name)
  const whole = readFileSync(archive)
  const damages: [string, () => void][] = [
    ['a flipped byte', () => { const copy = Buffer.from(whole); copy[60] = (copy[60] ?? 0) ^ 1; writeFileSync(archive, copy) }],
    ['a missing end', () => { writeFileSync(archive, whole); truncateSync(archive, whole.length - 20) }],
    ['another archive', () => { writeFileSync(archive, '') }],
    ['none', () => { rmSync(archive) }]
  ]
  for (const [what, damage] of damages) {
    damage()
    await t.rejects(verifyStored(dataDir, stored.name), what)
    await t.rejects(unpack(stored, join(root, 'back')), { code: 'restore_failed' }, what)
    t.notOk(existsSync(join(root, 'back')), what)
    rmSync(join(root, 'back.staging'), { recursive: true, force: true })
  }
})

t.test('what changes while it is read is not stored, and nothing half made is left', async t => {
  const { dataDir, path, store, workspaceId } = await setUp(t)
  await writeFiles(path, { a: 'four', b: 'x' })
  const read = async (name: string, size: number) => { for await (const chunk of readContent(path, { path: name, size })) t.ok(chunk.length > 0) }
  for (const size of [3, 5]) await t.rejects(read('a', size), FolderChanged, 'another size than a moment ago')
  symlinkSync('a', join(path, 'link'))
  for (const name of ['link', 'gone']) await t.rejects(read(name, 4), FolderChanged, `${name} is no file`)
  rmSync(path, { recursive: true })
  await t.rejects(store(), { code: 'rescue_failed', statusCode: 422 })
  t.same(readdirSync(storeOf(dataDir)), [])

  await writeFiles(path, { a: 'back' })
  const leftover = join(storeOf(dataDir), `${workspaceId}-old.tar.zst.partial`)
  writeFileSync(leftover, 'half')
  const stored = await store()
  t.notOk(existsSync(leftover), 'what a killed process left is cleared')
  const kinds = []
  for await (const { kind } of storedEntries(dataDir, stored.name)) kinds.push(kind)
  t.same(kinds, ['folder', 'file'])
})

t.test('a huge sparse file and many files cost no memory, and come back sparse', async t => {
  const { root, path, store, unpack } = await setUp(t)
  const size = 256 * 1024 ** 2
  const file = openSync(join(path, 'sparse'), 'w')
  ftruncateSync(file, size)
  writeSync(file, 'the end', size - 7)
  closeSync(file)
  for (let at = 0; at < 1000; at++) writeFileSync(join(path, `file-${at}`), `${at}`)
  const before = process.memoryUsage().rss
  const stored = await store()
  await unpack(stored, join(root, 'back'))
  const grown = process.memoryUsage().rss - before
  t.ok(grown < 150 * 1024 ** 2, `${Math.round(grown / 1024 ** 2)} MiB more`)
  t.equal(stored.byteCount > size, true)
  const back = lstatSync(join(root, 'back', 'sparse'))
  t.equal(back.size, size)
  t.ok(back.blocks * 512 < 10 * 1024 ** 2, 'it takes no room for its zeros')
})
