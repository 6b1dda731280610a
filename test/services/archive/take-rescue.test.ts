/** The snapshots of an archive: before its commands, and after them. */
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })
const refsOf = (repo: string, id: string) => runGit(repo, 'for-each-ref', '--format=%(refname)', 'refs/berth/rescue').split('\n').filter(ref => ref.includes(id))

t.test('what a cleanup command deletes was in the snapshot before, and what it leaves is in a second one', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-1', { config: JSON.stringify({ cleanupCommand: 'rm notes.txt; echo more > made.txt' }) })
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.same(refsOf(repo, id), [`refs/berth/rescue/${id}`, `refs/berth/rescue/${id}-last`])
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'notes.txt'), 'utf8'), 'a thought\n')
  t.notOk(existsSync(join(path, 'made.txt')))
})

t.test('a file written while a command runs is not lost', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-2', { config: JSON.stringify({ teardownCommand: 'echo late > late.txt && git -c user.name=a -c user.email=a@a.invalid commit --allow-empty -qm moved' }) })
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal(refsOf(repo, id).length, 2)
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'late.txt'), 'utf8'), 'late\n', 'HEAD had moved, so the second snapshot is the one that fits')
})
