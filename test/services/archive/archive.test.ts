/** Archiving a workspace: what is refused, what goes, and what is said at the end. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { isProblem } from '../../../services/errors.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit, writeFiles } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })
const refsOf = (repo: string, id: string) => runGit(repo, 'for-each-ref', '--format=%(refname)', 'refs/berth/rescue').split('\n').filter(ref => ref.includes(id))
const listed = (repo: string) => runGit(repo, 'worktree', 'list', '--porcelain')

t.test('a clean merged worktree goes with its branch, leaving a snapshot', async t => {
  const { archive, addWorkspace, operations, activities, repo } = harbour
  const { id, path } = await addWorkspace('work-1')
  const { workspace, operation } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'archived')
  t.ok(workspace.closedAt)
  t.equal(workspace.cleanupReason, null)
  t.equal(operation.phase, 'worktree_cleanup')
  t.equal(operation.status, 'succeeded')
  t.notOk(existsSync(path), 'the folder is gone')
  t.notMatch(listed(repo), path, 'git has forgotten it')
  t.equal(runGit(repo, 'branch', '--list', 'work-1'), '', 'the branch is gone')
  t.same(refsOf(repo, id), [`refs/berth/rescue/${id}`])
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded'])
  t.same(await activities(id), ['execution_workspace.updated', 'execution_workspace.archived'])
})

t.test('unfinished work is kept and an unmerged branch stays', async t => {
  const { archive, addWorkspace, repo } = harbour
  const { id, path } = await addWorkspace('work-2')
  await writeFiles(path, { 'done.txt': 'committed\n' })
  const tip = commitAll(path, 'work')
  await writeFiles(path, { 'README.md': '# Changed\n', 'new.txt': 'untracked\n', '.env': 'SECRET=1\n' })
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(workspace.status, 'archived')
  t.equal(workspace.cleanupReason, 'The branch work-2 is kept: work-2 is not merged into main.')
  t.equal(runGit(repo, 'rev-parse', 'work-2'), tip)
  t.notOk(existsSync(path))
  const everything = runGit(repo, 'log', '--format=%H', `refs/berth/rescue/${id}`)
  t.match(everything, tip, 'the tip is part of the snapshot')
})

t.test('an open issue blocks with the close readiness, and nothing changes', async t => {
  const { archive, addWorkspace, companyId, read, operations } = harbour
  const { id, path } = await addWorkspace('work-3')
  await db.insertInto('issues').values({ id, company_id: companyId, title: 'Work', identifier: 'T-1', status: 'in_progress', execution_workspace_id: id }).execute()
  const error = await archive.archive(localBoard, id).catch((error: unknown) => error)
  t.ok(isProblem(error) && error.statusCode === 409 && error.code === 'close_blocked')
  t.match(error, { members: { closeReadiness: { state: 'blocked', workspaceId: id } } })
  t.equal((await read(id)).status, 'active')
  t.equal((await read(id)).version, 1)
  t.same(await operations(id), [])
  t.ok(existsSync(path))
})

t.test('a shared session is detached from its issues and its folder stays', async t => {
  const { archive, addRow, companyId, repo, activities } = harbour
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
