/** Taking a worktree away: judged, renamed aside, looked at once more. */
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })
const listed = (repo: string) => runGit(repo, 'worktree', 'list', '--porcelain')

t.test('a change between the snapshot and the deletion puts everything back', async t => {
  let armed: string | null = null
  const { archive, addWorkspace, read, repo, activities } = await makeHarbour(t, {
    db,
    // The last look reads the folder in its aside place: just before it, somebody writes.
    git: real => Object.assign(async (...[args, options]: Parameters<typeof real>) => {
      if (armed !== null && options.cwd === armed) await appendFile(join(armed, 'README.md'), 'still writing\n')
      return await real(args, options)
    }, {
      ...real,
      async bytes (...[args, options]: Parameters<typeof real.bytes>) {
        if (armed !== null && options.cwd === armed) await appendFile(join(armed, 'README.md'), 'still writing\n')
        return await real.bytes(args, options)
      }
    })
  })
  const { id, path } = await addWorkspace('feature')
  armed = asidePathOf(path, id)
  const { workspace, operation } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.match(workspace.cleanupReason, 'changed')
  t.equal(operation.status, 'failed')
  t.match(readFileSync(join(path, 'README.md'), 'utf8'), 'still writing', 'it is back, with what was written')
  t.notOk(existsSync(armed))
  t.equal((await read(id)).closed_at, null)
  t.same(await activities(id), ['execution_workspace.updated', 'execution_workspace.cleanup_failed'])
  armed = null
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived', 'a second try succeeds')
  t.notOk(existsSync(path))
  t.notMatch(listed(repo), path)
})

t.test('a locked worktree is left alone', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-2')
  runGit(repo, 'worktree', 'lock', path)
  t.match((await archive.closeReadiness(localBoard, id)).warnings, [/locked/])
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.match(workspace.cleanupReason, 'locked')
  t.ok(existsSync(path))
  runGit(repo, 'worktree', 'unlock', path)
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
})

t.test('a symlink inside a worktree is removed, what it points at is not', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-3')
  const outside = join(dirname(repo), 'outside')
  await mkdir(outside)
  await writeFile(join(outside, 'file'), 'precious\n')
  await symlink(outside, join(path, 'link'))
  await mkdir(join(path, 'ignored'))
  await symlink(outside, join(path, 'ignored', 'link'))
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notOk(existsSync(path))
  t.equal(readFileSync(join(outside, 'file'), 'utf8'), 'precious\n')
})

t.test('a folder reached through a symlink is not removed', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-4')
  const elsewhere = join(dirname(repo), 'elsewhere')
  runGit(repo, 'worktree', 'move', path, elsewhere)
  await symlink(elsewhere, path)
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.match(workspace.cleanupReason, 'symlink')
  t.ok(existsSync(join(elsewhere, 'README.md')))
})

t.test('a worktree git has not looked at for days is forgotten all the same', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-5')
  // git rewrites this record when it is used in a moved worktree and the record is older than a day.
  const record = join(repo, '.git', 'worktrees', 'work-5', 'gitdir')
  const old = new Date(Date.now() - 3 * 86_400_000)
  await utimes(record, old, old)
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notMatch(listed(repo), path)
  t.notOk(existsSync(path))
})
