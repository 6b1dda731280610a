/** The snapshots of an archive: before its commands, and after them. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { readRescue } from '../../../services/archive/rescue-record.ts'
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

t.test('a command that takes the folder away itself loses nothing', async t => {
  const { archive, addWorkspace, repo } = harbour
  for (const [branch, teardownCommand] of [['work-3', 'rm -rf "$BERTH_WORKSPACE_WORKTREE_PATH"'], ['work-4', 'git worktree remove --force "$BERTH_WORKSPACE_WORKTREE_PATH"']] as const) {
    const { id, path } = await addWorkspace(branch, { config: JSON.stringify({ teardownCommand }) })
    await writeFile(join(path, 'notes.txt'), 'a thought\n')
    t.match((await archive.archive(localBoard, id)).workspace, { status: 'archived', cleanupReason: null })
    t.notMatch(runGit(repo, 'worktree', 'list'), path)
    t.match((await archive.restore(localBoard, id)).workspace, { status: 'active' })
    t.equal(readFileSync(join(path, 'notes.txt'), 'utf8'), 'a thought\n')
  }
})

t.test('after an archive that failed, what its commands deleted still comes back', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-5', { config: JSON.stringify({ teardownCommand: 'rm -f notes.txt; [ -e again ] || git worktree lock .; touch again' }) })
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  t.match((await archive.archive(localBoard, id)).workspace, { status: 'cleanup_failed', cleanupReason: /locked meanwhile/ })
  t.ok(existsSync(path), 'it is back at its place')
  runGit(repo, 'worktree', 'unlock', path)
  t.match((await archive.archive(localBoard, id)).workspace, { status: 'archived', cleanupReason: null })
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'notes.txt'), 'utf8'), 'a thought\n')
  t.notOk(existsSync(join(path, 'again')))
})

t.test('after an archive that failed, what was there before its commands keeps a name when it is not what is there by now', async t => {
  const { archive, addWorkspace, repo, read } = harbour
  const { id, path } = await addWorkspace('work-6', { config: JSON.stringify({ teardownCommand: 'rm -f notes.txt; git init -q nest' }) })
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  t.match((await archive.archive(localBoard, id)).workspace, { status: 'cleanup_failed', cleanupReason: /nest\/ is a git repository/ })
  rmSync(join(path, 'nest'), { recursive: true })
  t.match((await archive.restore(localBoard, id)).workspace, { status: 'active', cleanupReason: `The files are not what they were before the commands of the archive; that is kept under refs/berth/rescue/${id}.` })
  await harbour.db.updateTable('execution_workspaces').set({ config: null }).where('id', '=', id).execute()
  const { workspace } = await archive.archive(localBoard, id)
  const [apart = ''] = readRescue(await read(id)).earlierRefs
  t.match(workspace, { status: 'archived', cleanupReason: `What was there before the commands of an archive that failed is kept under ${apart}.` })
  t.equal(runGit(repo, 'show', `${apart}^3:notes.txt`), 'a thought')
})
