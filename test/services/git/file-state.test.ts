/** What is on disk is hashed as git would, and nothing is seen through a link. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFileReader, mapLimited } from '../../../services/git/file-state.ts'
import { runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('files, links, folders, nothing and special files', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { file: 'x', 'bin/run': { content: 'x', mode: 0o750 }, link: { link: 'file' }, large: Buffer.alloc(3_000_000, 'l'), 'real/inside': 'i' })
  symlinkSync('real', join(root, 'alias'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  const { read } = createFileReader(root, 'sha1')
  t.match(await read('file'), { mode: '100644', sha: runGit(root, 'hash-object', 'file'), bytes: 1, linkTarget: null })
  t.match(await read('bin/run'), { mode: '100755', permissions: 0o750 })
  t.match(await read('large'), { sha: runGit(root, 'hash-object', 'large'), bytes: 3_000_000 })
  const link = await read('link')
  t.match(link, { mode: '120000', permissions: 0 })
  t.same(link?.linkTarget, Buffer.from('file'))
  t.match(await read('real/inside'), { mode: '100644' })
  for (const nothing of ['gone', 'gone/deeper', 'bin', 'pipe', 'file/below', 'alias/inside']) t.equal(await read(nothing), null, nothing)
})

t.test('what can not be read is an error', { skip: process.getuid?.() === 0 && 'root can read everything' }, async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { closed: { content: 'x', mode: 0 } })
  t.match(await rejectionOf(createFileReader(root, 'sha1').read('closed')), { code: 'EACCES' })
})

t.test('a bounded number of calls is at work, and the order is kept', async t => {
  const root = await temporaryFolder(t)
  mkdirSync(join(root, 'x'))
  writeFileSync(join(root, 'y'), '')
  let now = 0
  let most = 0
  const results = await mapLimited([5, 1, 4, 2, 3], 2, async n => {
    most = Math.max(most, ++now)
    for (let turn = 0; turn < n; turn++) await Promise.resolve()
    now--
    return n * 10
  })
  t.same(results, [50, 10, 40, 20, 30])
  t.equal(most, 2)
  t.same(await mapLimited([], 2, () => Promise.reject(new Error('never'))), [])
})
