/** git's own progress is read, with the objects it speaks of, and nothing else of its folder. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mentionedObjects, readProgressFiles } from '../../../services/git/progress-files.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('files of an operation are found at any depth, sorted, without locks and the rest', async t => {
  const folder = await temporaryFolder(t)
  for (const name of ['rebase-merge', 'refs/bisect', 'refs/heads', 'logs', 'info']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['HEAD', 'index', 'MERGE_HEAD', 'MERGE_MSG.lock', 'config', 'rebase-merge/autostash', 'rebase-merge/done.lock', 'refs/bisect/bad', 'refs/heads/x', 'logs/HEAD', 'info/exclude', 'info/sparse-checkout']) writeFileSync(join(folder, name), name)
  const files = await readProgressFiles(folder)
  t.same(files.map(file => file.path), ['MERGE_HEAD', 'info/sparse-checkout', 'rebase-merge/autostash', 'refs/bisect/bad'])
  t.equal(files[0]?.content.toString(), 'MERGE_HEAD')
})

t.test('object ids are found once each, without the one of nothing', t => {
  const a = 'a'.repeat(40)
  const b = 'b'.repeat(64)
  const files = [{ path: 'x', content: Buffer.from(`pick ${a} title\n${a}\n${'0'.repeat(40)} ${'c'.repeat(41)} abcdef`) }, { path: 'y', content: Buffer.from(b) }]
  t.same(mentionedObjects(files), [a, b])
  t.end()
})
