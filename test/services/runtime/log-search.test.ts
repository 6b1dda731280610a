import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createLogSearch } from '../../../services/runtime/log-search.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('lines are found as they come, each once', async t => {
  const path = join(await temporaryFolder(t), 'log')
  const search = createLogSearch({ path, pattern: 'listening', fromByte: 0 })
  t.equal(await search.next(), null, 'there is no file yet')
  await writeFile(path, 'starting\nlisten')
  t.equal(await search.next(), null)
  await appendFile(path, 'ing on 80')
  t.equal(await search.next(), 'listening on 80', 'also a line whose end is still to come')
})

t.test('what an older start wrote does not count', async t => {
  const path = join(await temporaryFolder(t), 'log')
  await writeFile(path, 'ready\n')
  const search = createLogSearch({ path, pattern: 'ready', fromByte: 6 })
  t.equal(await search.next(), null)
  await appendFile(path, 'ready again\n')
  t.equal(await search.next(), 'ready again')
})

t.test('a character cut by the end of a read is put together', async t => {
  const path = join(await temporaryFolder(t), 'log')
  const search = createLogSearch({ path, pattern: '^gr\u00fcn$', fromByte: 0 })
  const bytes = Buffer.from('gr\u00fcn\n')
  await writeFile(path, bytes.subarray(0, 3))
  t.equal(await search.next(), null)
  await appendFile(path, bytes.subarray(3))
  t.equal(await search.next(), 'gr\u00fcn')
})

t.test('a log that was copied shorter is searched from its head', async t => {
  const path = join(await temporaryFolder(t), 'log')
  const search = createLogSearch({ path, pattern: 'ready', fromByte: 0 })
  await writeFile(path, 'x'.repeat(1000))
  t.equal(await search.next(), null)
  await truncate(path, 0)
  await appendFile(path, 'ready\n')
  t.equal(await search.next(), 'ready')
})

t.test('a log larger than one read is searched whole', async t => {
  const path = join(await temporaryFolder(t), 'log')
  await writeFile(path, 'x'.repeat(70_000) + '\n' + 'y\n'.repeat(100_000) + 'ready\n')
  t.equal(await createLogSearch({ path, pattern: '^ready$', fromByte: 0 }).next(), 'ready')
})

t.test('a pattern that is no regular expression is refused', async t => {
  t.throws(() => createLogSearch({ path: '/nonexistent', pattern: '(', fromByte: 0 }), SyntaxError)
})
