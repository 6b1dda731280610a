import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { entryNamedIn, readEntryLink } from '../../../services/git/worktree-link.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('the entry is the one the link names, relative to the folder', async t => {
  t.equal(entryNamedIn('gitdir: /repo/.git/worktrees/a\n', '/w/a'), '/repo/.git/worktrees/a')
  t.equal(entryNamedIn('gitdir: ../../repo/.git/worktrees/a\r\n', '/w/a'), '/repo/.git/worktrees/a')
  for (const text of ['', 'nothing\n', 'gitdir: \n', 'gitdir: /a\n/b\n']) t.equal(entryNamedIn(text, '/w/a'), null, JSON.stringify(text))
})

t.test('it is read from the folder', async t => {
  const folder = await temporaryFolder(t)
  await t.rejects(readEntryLink(folder), { code: 'ENOENT' })
  await writeFile(join(folder, '.git'), 'gitdir: entry\n')
  t.equal(await readEntryLink(folder), join(folder, 'entry'))
})
