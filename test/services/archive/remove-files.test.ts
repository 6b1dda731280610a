/** What happens to files of every kind when their workspace is archived. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })
const listed = (repo: string) => runGit(repo, 'worktree', 'list', '--porcelain')

t.test('a snapshot that can not be made removes nothing', async t => {
  const { archive, addWorkspace, operations } = harbour
  const { id, path } = await addWorkspace('work-1', { config: JSON.stringify({ cleanupCommand: 'touch ran' }) })
  // A repository inside: its commits can't be part of the snapshot.
  runGit(path, 'init', '--quiet', 'inner')
  await writeFile(join(path, 'inner', 'file'), 'only here\n')
  runGit(join(path, 'inner'), 'add', '--all')
  runGit(join(path, 'inner'), 'commit', '--quiet', '--message', 'inside')
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'cleanup_failed')
  t.ok(workspace.cleanupReason)
  t.ok(existsSync(join(path, 'inner', '.git', 'HEAD')))
  t.notOk(existsSync(join(path, 'ran')), 'the commands did not run either')
  t.same(await operations(id), ['worktree_cleanup failed'], 'what no snapshot can hold is seen before one is tried')
})

t.test('a worktree that was not made by the service, or that another workspace uses, is kept', async t => {
  const { archive, addWorkspace, addRow, read } = harbour
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
  const { archive, addWorkspace, repo, dataDir } = harbour
  const outside = join(dirname(repo), 'outside')
  await mkdir(outside)
  const wrong: [title: string, path: string][] = [
    ['the repository', repo],
    ['what holds the repository', dirname(repo)],
    ['the data dir', dataDir],
    ['a folder that is no worktree', outside],
    ['a relative path', 'worktrees/x']
  ]
  for (const [title, realized] of wrong) {
    const { id, path } = await addWorkspace(title.replaceAll(' ', '-'))
    await db.updateTable('execution_workspaces').set({ realized_path: realized }).where('id', '=', id).execute()
    const { workspace } = await archive.archive(localBoard, id)
    t.equal(workspace.status, 'cleanup_failed', title)
    t.ok(existsSync(path), `${title}: the worktree is there`)
    t.ok(existsSync(join(repo, '.git', 'HEAD')), `${title}: the repository is there`)
    t.ok(existsSync(outside))
  }

  const holder = await addWorkspace('holder')
  const other = '11111111-1111-4111-8111-111111111111'
  await db.insertInto('companies').values({ id: other, name: 'Another' }).execute()
  await db.insertInto('projects').values({ id: other, company_id: other, name: 'Theirs' }).execute()
  await db.insertInto('project_workspaces').values({ id: other, company_id: other, project_id: other, name: 'in it', cwd: join(holder.path, 'sub') }).execute()
  await mkdir(join(holder.path, 'sub'))
  t.match((await archive.archive(localBoard, holder.id)).workspace, { status: 'cleanup_failed', cleanupReason: /project workspace/ }, "another company's project workspace in it")
  t.ok(existsSync(join(holder.path, 'sub')))
})

t.test('a branch goes when its recorded base has it, whatever the main checkout has out', async t => {
  const { archive, addWorkspace, repo } = harbour
  const work = async (branch: string, row: object = {}) => {
    const made = await addWorkspace(branch, row)
    await writeFile(join(made.path, branch), branch)
    commitAll(made.path, branch)
    return made
  }
  const close = async (id: string) => ({ readiness: await archive.closeReadiness(localBoard, id), ...await archive.archive(localBoard, id) })
  const has = (branch: string) => runGit(repo, 'branch', '--list', branch) !== ''
  const head = { base_ref: 'HEAD', base_branch: 'refs/heads/main' }
  const [unmerged, merged, squashed, moved] = [await work('unmerged', head), await work('merged', head), await work('squashed'), await work('moved')]
  runGit(repo, 'merge', '--quiet', 'merged')
  runGit(repo, 'merge', '--quiet', '--squash', 'squashed')
  commitAll(repo, 'squashed')
  runGit(repo, 'switch', '--quiet', '--detach', 'unmerged')

  const kept = await close(unmerged.id)
  t.match(kept.readiness.git, { isMergedIntoBase: false, aheadCount: 1, baseRef: 'main' }, 'HEAD is not taken for the base of what HEAD is on')
  t.match(kept.workspace, { status: 'archived', cleanupReason: /The branch unmerged is kept: unmerged is not merged into main/ })
  t.ok(has('unmerged'))
  t.match((await close(merged.id)).workspace, { status: 'archived', cleanupReason: null })
  t.notOk(has('merged'), 'also when HEAD has something else by now')
  const { readiness, workspace } = await close(squashed.id)
  t.match([readiness.git, workspace], [{ isMergedIntoBase: true, mergeEvidence: 'tree' }, { cleanupReason: null }])
  t.notOk(has('squashed'))
  await archive.restore(localBoard, squashed.id)
  t.equal(runGit(squashed.path, 'log', '-1', '--format=%s %D'), 'squashed HEAD -> squashed', 'its commits were kept')
  runGit(moved.path, 'switch', '--quiet', '--detach', 'main')
  t.match((await close(moved.id)).workspace, { cleanupReason: /The branch moved is kept/ }, 'what is checked out is not what the branch has')
  runGit(repo, 'switch', '--quiet', 'main')
})

t.test('a folder that somebody deleted: what was staged is rescued, and git forgets it', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-4')
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
