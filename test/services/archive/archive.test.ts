/** Archiving real worktrees: what goes, what stays, and that nothing is lost on any way. */
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { isProblem } from '../../../services/errors.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit, writeFiles } from '../../fixtures/git.ts'

// One database for all: the workspaces of these tests have nothing to do with each other.
const { db } = await openTestDatabase(t, 'pglite')

const refsOf = (repo: string, id: string) => runGit(repo, 'for-each-ref', '--format=%(refname)', 'refs/berth/rescue').split('\n').filter(ref => ref.includes(id))
const listed = (repo: string) => runGit(repo, 'worktree', 'list', '--porcelain')

t.test('a clean merged worktree goes with its branch, leaving a snapshot', async t => {
  const { archive, addWorkspace, operations, activities, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  const { workspace, operation } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'archived')
  t.ok(workspace.closedAt)
  t.equal(workspace.cleanupReason, null)
  t.equal(operation.phase, 'worktree_cleanup')
  t.equal(operation.status, 'succeeded')
  t.notOk(existsSync(path), 'the folder is gone')
  t.notMatch(listed(repo), path, 'git has forgotten it')
  t.equal(runGit(repo, 'branch', '--list', 'feature'), '', 'the branch is gone')
  t.same(refsOf(repo, id), [`refs/berth/rescue/${id}`])
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded'])
  t.same(await activities(id), ['execution_workspace.updated', 'execution_workspace.archived'])
})

t.test('unfinished work is kept and an unmerged branch stays', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  await writeFiles(path, { 'done.txt': 'committed\n' })
  const tip = commitAll(path, 'work')
  await writeFiles(path, { 'README.md': '# Changed\n', 'new.txt': 'untracked\n', '.env': 'SECRET=1\n' })
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'archived')
  t.equal(workspace.cleanupReason, 'The branch feature is kept: feature is not merged into main.')
  t.equal(runGit(repo, 'rev-parse', 'feature'), tip)
  t.notOk(existsSync(path))
  const everything = runGit(repo, 'log', '--format=%H', `refs/berth/rescue/${id}`)
  t.match(everything, tip, 'the tip is part of the snapshot')
})

t.test('an open issue blocks with the close readiness, and nothing changes', async t => {
  const { archive, addWorkspace, companyId, read, operations } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  await db.insertInto('issues').values({ id, company_id: companyId, title: 'Work', identifier: 'T-1', status: 'in_progress', execution_workspace_id: id }).execute()
  const error = await archive.archive(localBoard, id).catch((error: unknown) => error)
  t.ok(isProblem(error) && error.statusCode === 409 && error.code === 'close_blocked')
  t.match(error, { members: { closeReadiness: { state: 'blocked', workspaceId: id } } })
  t.equal((await read(id)).status, 'active')
  t.equal((await read(id)).version, 1)
  t.same(await operations(id), [])
  t.ok(existsSync(path))
})

t.test('the commands run in their order, each its own operation, and a failing one is a warning', async t => {
  const { archive, addWorkspace, projectWorkspaceId, repo, operations } = await makeHarbour(t, { db, files: { 'README.md': '#\n', 'teardown.sh': 'echo owner >> "$BERTH_WORKSPACE_REPO_ROOT/../order"\n' } })
  const order = join(dirname(repo), 'order')
  await db.updateTable('project_workspaces').set({ cleanup_command: `echo project >> ${order}; exit 3` }).where('id', '=', projectWorkspaceId).execute()
  const { id, path } = await addWorkspace('feature', {
    config: JSON.stringify({ cleanupCommand: `echo own $BERTH_WORKSPACE_BRANCH >> ${order}` }),
    strategy: JSON.stringify({ teardownCommand: 'sh ./teardown.sh' })
  })
  await writeFile(join(path, 'teardown.sh'), `echo branch >> ${order}\n`)
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(readFileSync(order, 'utf8'), 'own feature\nproject\nowner\n', "the owner repository's script ran, not the branch's")
  t.equal(workspace.status, 'archived')
  t.match(workspace.cleanupReason, /^The project workspace's cleanup command exited with 3 \(operation [0-9a-f-]{36}\)\.$/)
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded', 'workspace_teardown succeeded', 'workspace_teardown failed', 'workspace_teardown succeeded'])
})

t.test('what a cleanup command deletes was in the snapshot before, and what it leaves is in a second one', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature', { config: JSON.stringify({ cleanupCommand: 'rm notes.txt; echo more > made.txt' }) })
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.same(refsOf(repo, id), [`refs/berth/rescue/${id}`, `refs/berth/rescue/${id}-last`])
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'notes.txt'), 'utf8'), 'a thought\n')
  t.notOk(existsSync(join(path, 'made.txt')))
})

t.test('a file written while a command runs is not lost', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature', { config: JSON.stringify({ teardownCommand: 'echo late > late.txt && git -c user.name=a -c user.email=a@a.invalid commit --allow-empty -qm moved' }) })
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal(refsOf(repo, id).length, 2)
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'late.txt'), 'utf8'), 'late\n', 'HEAD had moved, so the second snapshot is the one that fits')
})

t.test('a change between the snapshot and the deletion puts everything back', async t => {
  let armed: string | null = null
  const { archive, addWorkspace, read, repo, activities } = await makeHarbour(t, {
    db,
    // The last look reads the folder in its aside place: just before it, somebody writes.
    git: real => Object.assign(async (...[args, options]: Parameters<typeof real>) => {
      if (armed !== null && options.cwd === armed) await appendFile(join(armed, 'README.md'), 'still writing\n')
      return await real(args, options)
    }, {
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

t.test('a snapshot that can not be made removes nothing', async t => {
  const { archive, addWorkspace, operations } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature', { config: JSON.stringify({ cleanupCommand: 'touch ran' }) })
  // A repository inside: its commits can't be part of the snapshot.
  runGit(path, 'init', '--quiet', 'inner')
  await writeFile(join(path, 'inner', 'file'), 'only here\n')
  commitAllInside(join(path, 'inner'))
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.ok(workspace.cleanupReason)
  t.ok(existsSync(join(path, 'inner', '.git', 'HEAD')))
  t.notOk(existsSync(join(path, 'ran')), 'the commands did not run either')
  t.same(await operations(id), ['worktree_cleanup failed', 'workspace_rescue failed'])
})

function commitAllInside (root: string): void {
  runGit(root, 'add', '--all')
  runGit(root, 'commit', '--quiet', '--message', 'inside')
}

t.test('a locked worktree is left alone', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  runGit(repo, 'worktree', 'lock', path)
  t.match((await archive.closeReadiness(localBoard, id)).warnings, [/locked/])
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.match(workspace.cleanupReason, 'locked')
  t.ok(existsSync(path))
  runGit(repo, 'worktree', 'unlock', path)
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
})

t.test('a worktree that was not made by the service, or that another workspace uses, is kept', async t => {
  const { archive, addWorkspace, addRow, read } = await makeHarbour(t, { db })
  const own = await addWorkspace('by-hand', { created_by_runtime: false })
  const { workspace } = await archive.archive(localBoard, own.id)
  t.equal(workspace.status, 'archived')
  t.match(workspace.cleanupReason, 'was not made by this service')
  t.ok(existsSync(own.path))

  const first = await addWorkspace('both', { shares_worktree: true, config: JSON.stringify({ cleanupCommand: 'touch ran' }) })
  const second = await read(first.id)
  await addRow({ cwd: first.path, realized_path: first.path, repo_root: second.repo_root, branch_name: 'both', created_by_runtime: true, shares_worktree: true, name: 'the other' })
  const shared = await archive.archive(localBoard, first.id)
  t.equal(shared.workspace.status, 'archived')
  t.match(shared.workspace.cleanupReason, 'used by the other too')
  t.ok(existsSync(first.path))
  t.notOk(existsSync(join(first.path, 'ran')), 'no command ran in the folder of somebody else')
})

t.test('whatever a row says, a path that others need stays', async t => {
  const { archive, addWorkspace, repo, dataDir, companyId, projectId } = await makeHarbour(t, { db })
  const outside = join(dirname(repo), 'outside')
  await mkdir(outside)
  const wrong: [string, (path: string) => Promise<void> | void, string?][] = [
    ['the repository', () => {}, repo],
    ['what holds the repository', () => {}, dirname(repo)],
    ['the data dir', () => {}, dataDir],
    ['a folder that is no worktree', () => {}, outside],
    ['a relative path', () => {}, 'worktrees/x']
  ]
  for (const [title, , realized] of wrong) {
    const { id, path } = await addWorkspace(title.replaceAll(' ', '-'))
    await db.updateTable('execution_workspaces').set({ realized_path: realized ?? path }).where('id', '=', id).execute()
    const { workspace } = await archive.archive(localBoard, id)
    t.equal(workspace.status, 'cleanup_failed', title)
    t.ok(existsSync(path), `${title}: the worktree is there`)
    t.ok(existsSync(join(repo, '.git', 'HEAD')), `${title}: the repository is there`)
    t.ok(existsSync(outside))
    await db.deleteFrom('activity_log').execute()
  }

  const holder = await addWorkspace('holder')
  const other = '11111111-1111-4111-8111-111111111111'
  await db.insertInto('companies').values({ id: other, name: 'Another' }).execute()
  await db.insertInto('projects').values({ id: other, company_id: other, name: 'Theirs' }).execute()
  await db.insertInto('project_workspaces').values({ id: other, company_id: other, project_id: other, name: 'in it', cwd: join(holder.path, 'sub') }).execute()
  await mkdir(join(holder.path, 'sub'))
  t.match((await archive.archive(localBoard, holder.id)).workspace, { status: 'cleanup_failed', cleanupReason: /project workspace/ }, "another company's project workspace in it")
  t.ok(existsSync(join(holder.path, 'sub')))
  t.ok(companyId !== other && projectId !== other)
})

t.test('a folder reached through a symlink is not removed', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  const elsewhere = join(dirname(repo), 'elsewhere')
  runGit(repo, 'worktree', 'move', path, elsewhere)
  await symlink(elsewhere, path)
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.match(workspace.cleanupReason, 'symlink')
  t.ok(existsSync(join(elsewhere, 'README.md')))
})

t.test('a symlink inside a worktree is removed, what it points at is not', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
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

t.test('a folder that somebody deleted: what was staged is rescued, and git forgets it', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  await writeFile(join(path, 'staged.txt'), 'only in the index\n')
  runGit(path, 'add', 'staged.txt')
  await rm(path, { recursive: true })
  const readiness = await archive.closeReadiness(localBoard, id)
  t.equal(readiness.state, 'ready_with_warnings')
  t.same(readiness.plannedActions.map(action => action.kind), ['archive_record', 'rescue_snapshot', 'git_worktree_remove', 'git_branch_delete'])
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notMatch(listed(repo), path)
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'staged.txt'), 'utf8'), 'only in the index\n')
})

t.test('a worktree git has not looked at for days is forgotten all the same', async t => {
  const { archive, addWorkspace, repo } = await makeHarbour(t, { db })
  const { id, path } = await addWorkspace('feature')
  // git rewrites this record when it is used in a moved worktree and the record is older than a day.
  const record = join(repo, '.git', 'worktrees', 'feature', 'gitdir')
  const old = new Date(Date.now() - 3 * 86_400_000)
  await utimes(record, old, old)
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal(listed(repo).split('\n').filter(line => line.startsWith('worktree ')).length, 1)
  t.notOk(existsSync(path))
})

t.test('two archives at once: one does it, the other gets its result or a 409', async t => {
  const { archive, addWorkspace, operations } = await makeHarbour(t, { db })
  const { id } = await addWorkspace('feature')
  const results = await Promise.allSettled([archive.archive(localBoard, id), archive.archive(localBoard, id)])
  for (const result of results) {
    if (result.status === 'fulfilled') t.equal(result.value.workspace.status, 'archived')
    else t.ok(isProblem(result.reason) && result.reason.statusCode === 409)
  }
  t.ok(results.some(result => result.status === 'fulfilled'))
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded'], 'it was done once')
  const again = await archive.archive(localBoard, id)
  t.equal(again.operation.phase, 'worktree_cleanup')
  t.equal(again.operation.status, 'succeeded', 'the finished result')
})

t.test('a workspace somebody works in is busy', async t => {
  const { archive, addWorkspace, locks, read } = await makeHarbour(t, { db })
  const { id } = await addWorkspace('feature')
  const error: unknown = await locks.withLock({ resource: `workspace:${id}`, mode: 'shared', purpose: 'the job test', waitMs: 0 },
    async () => await archive.archive(localBoard, id).catch((error: unknown) => error))
  t.match(error, { code: 'workspace_busy', statusCode: 409 })
  t.equal((await read(id)).status, 'active')
})

t.test('a shared session is detached from its issues and its folder stays', async t => {
  const { archive, addRow, companyId, repo, activities } = await makeHarbour(t, { db })
  const id = await addRow({ mode: 'shared_workspace', strategy_type: 'project_primary', provider_type: 'local_fs', cwd: repo })
  await db.insertInto('issues').values({ id, company_id: companyId, title: 'Work', status: 'in_progress', execution_workspace_id: id }).execute()
  const readiness = await archive.closeReadiness(localBoard, id)
  t.equal(readiness.state, 'ready_with_warnings')
  t.ok(readiness.isSharedWorkspace)
  t.ok(readiness.isProjectPrimaryWorkspace)
  const { workspace, operation } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'archived')
  t.equal(operation.phase, 'worktree_cleanup')
  t.equal((await db.selectFrom('issues').select('execution_workspace_id').where('id', '=', id).executeTakeFirstOrThrow()).execution_workspace_id, null)
  t.ok(existsSync(join(repo, 'README.md')))
  t.same(await activities(id), ['execution_workspace.updated', 'execution_workspace.updated', 'execution_workspace.archived'])
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
})

t.test('a plain folder of the service moves into the data dir and comes back', async t => {
  const { archive, addRow, dataDir, repo } = await makeHarbour(t, { db })
  const path = join(dirname(repo), 'plain')
  await writeFiles(path, { 'a/file': 'content\n' })
  const local = { strategy_type: 'project_primary', provider_type: 'local_fs', created_by_runtime: true } as const
  const id = await addRow({ ...local, cwd: path, realized_path: path })
  t.same((await archive.closeReadiness(localBoard, id)).plannedActions.map(action => action.kind), ['archive_record', 'rescue_snapshot', 'remove_local_directory'])
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notOk(existsSync(path))
  t.equal(readFileSync(join(dataDir, 'rescued', id, 'a', 'file'), 'utf8'), 'content\n')
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'a', 'file'), 'utf8'), 'content\n')

  const holding = await addRow({ ...local, cwd: dirname(repo), realized_path: dirname(repo) })
  const kept = await archive.archive(localBoard, holding)
  t.match(kept.workspace, { status: 'archived', cleanupReason: /is kept: .*holds .*project workspace/ })
  t.ok(existsSync(join(repo, '.git')))
})
