/** Restoring real worktrees: everything comes back, and a restore that can't be done changes nothing. */
import { existsSync, lstatSync, readFileSync, readlinkSync, renameSync, symlinkSync } from 'node:fs'
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, makeRepository, runGit, statusOf, writeFiles } from '../../fixtures/git.ts'

// One repository for all: each test has branches, worktrees and workspaces of its own in it.
const { db } = await openTestDatabase(t, 'pglite')
const { archive, addWorkspace, addRow, dataDir, repo, operations, activities, read } = await makeHarbour(t, {
  db, files: { 'README.md': '# A test\n', 'gone.txt': 'x\n', 'run.sh': 'true\n', '.gitignore': 'ignored/\n.env\n' }
})

t.test('staged, modified, deleted and untracked files, modes and links come back as they were', async t => {
  const { id, path } = await addWorkspace('everything')
  await writeFiles(path, { 'committed.txt': '1\n' })
  const tip = commitAll(path, 'work')
  await writeFiles(path, { 'README.md': 'staged\n', 'staged.txt': 'new\n' })
  runGit(path, 'add', '--all')
  await writeFiles(path, { 'README.md': 'modified on top\n', 'notes/untracked.txt': 'a thought\n', '.env': 'SECRET=1\n', 'ignored/big': 'not kept\n' })
  await rm(join(path, 'gone.txt'))
  await chmod(join(path, 'run.sh'), 0o755)
  await symlink('README.md', join(path, 'link'))
  const before = statusOf(path)

  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notOk(existsSync(path))
  const { workspace, operation } = await archive.restore(localBoard, id)
  t.equal(operation.phase, 'workspace_restore')
  t.equal(operation.status, 'succeeded')
  t.match(workspace, { status: 'active', closedAt: null, cleanupReason: null, providerRef: path, branchName: 'everything' })
  t.equal(statusOf(path), before, 'git status says the same')
  t.equal(runGit(path, 'rev-parse', 'HEAD'), tip)
  t.equal(runGit(path, 'symbolic-ref', 'HEAD'), 'refs/heads/everything')
  t.equal(runGit(path, 'show', ':README.md'), 'staged')
  t.equal(readFileSync(join(path, 'README.md'), 'utf8'), 'modified on top\n')
  t.equal(readFileSync(join(path, 'notes', 'untracked.txt'), 'utf8'), 'a thought\n')
  t.equal(readFileSync(join(path, '.env'), 'utf8'), 'SECRET=1\n')
  t.notOk(existsSync(join(path, 'ignored')))
  t.notOk(existsSync(join(path, 'gone.txt')))
  t.ok(lstatSync(join(path, 'run.sh')).mode & 0o100)
  t.equal(readlinkSync(join(path, 'link')), 'README.md')
  t.match(runGit(repo, 'worktree', 'list', '--porcelain'), path)
  t.equal((await read(id)).provision_fingerprint, null, 'what provisioning made is to be made again')
  t.same((await operations(id)).slice(-1), ['workspace_restore succeeded'])
  t.same((await activities(id)).slice(-2), ['execution_workspace.updated', 'execution_workspace.restored'])

  await writeFile(join(path, 'notes', 'untracked.txt'), 'another thought\n')
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived', 'it can be archived again')
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'notes', 'untracked.txt'), 'utf8'), 'another thought\n', 'and comes back with what came later')
})

t.test('a merged branch that was deleted comes back', async t => {
  const { id, path } = await addWorkspace('merged')
  runGit(path, 'branch', '--quiet', '--set-upstream-to=main')
  runGit(path, 'config', 'branch.merged.description', 'what it\nis about')
  const settings = () => runGit(repo, 'config', '--local', '--get-regexp', '^branch\\.merged\\.')
  const before = settings()
  await archive.archive(localBoard, id)
  t.equal(runGit(repo, 'branch', '--list', 'merged'), '')
  t.throws(settings, 'its settings go with it')
  await archive.restore(localBoard, id)
  t.equal(runGit(path, 'symbolic-ref', 'HEAD'), 'refs/heads/merged')
  t.equal(settings(), before, 'its upstream and its description are back')

  const drifted = await addWorkspace('recorded')
  runGit(drifted.path, 'switch', '--quiet', '--create', 'other')
  await archive.archive(localBoard, drifted.id)
  t.equal(runGit(repo, 'branch', '--list', 'recorded'), '')
  await archive.restore(localBoard, drifted.id)
  t.equal(runGit(drifted.path, 'symbolic-ref', 'HEAD'), 'refs/heads/other', 'the branch that was checked out')
  t.not(runGit(repo, 'branch', '--list', 'recorded'), '', 'and the recorded one')
})

t.test('a restore that can not be done leaves the workspace archived and the snapshot in place', async t => {
  const { id, path } = await addWorkspace('stuck')
  await writeFile(join(path, 'new.txt'), 'kept\n')
  commitAll(path, 'work')
  await archive.archive(localBoard, id)
  const reason = (await read(id)).cleanup_reason

  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'other'), 'in the way\n')
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', statusCode: 422 }, 'something else is at its place')
  t.equal(readFileSync(join(path, 'other'), 'utf8'), 'in the way\n')
  await rm(path, { recursive: true })

  await rename(repo, `${repo}-away`)
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', message: /is not there/ })
  await rename(`${repo}-away`, repo)

  const elsewhere = join(dirname(repo), 'elsewhere')
  const parent = dirname(path)
  await rename(parent, elsewhere)
  await symlink(elsewhere, parent)
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', message: /symlink/ })
  await rm(parent)
  await rename(elsewhere, parent)

  t.match(await read(id), { status: 'archived', cleanup_reason: reason })
  t.notOk(existsSync(path))
  t.same([...new Set((await operations(id)).slice(2))], ['workspace_restore failed'])
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'new.txt'), 'utf8'), 'kept\n')
})

t.test('a branch that has moved since is left alone: the work comes back on a new one, and that is said', async t => {
  const { id, path } = await addWorkspace('moving')
  await writeFiles(path, { 'work.txt': 'committed\n' })
  const tip = commitAll(path, 'work')
  await writeFiles(path, { 'README.md': 'staged\n', 'new.txt': 'untracked\n' })
  runGit(path, 'add', 'README.md')
  const before = statusOf(path)
  await archive.archive(localBoard, id)
  runGit(repo, 'branch', '--force', 'moving', 'main')

  const { workspace, operation } = await archive.restore(localBoard, id)
  const said = /branch moving has moved on since.*new branch moving-restored\.$/
  t.match(workspace, { status: 'active', branchName: 'moving-restored', cleanupReason: said })
  t.match(operation, { status: 'succeeded', metadata: { restoredBranch: { name: 'moving-restored', insteadOf: 'moving' }, warnings: [said] } })
  t.equal(statusOf(path), before)
  t.equal(runGit(path, 'rev-parse', 'HEAD'), tip)
  t.equal(runGit(path, 'symbolic-ref', 'HEAD'), 'refs/heads/moving-restored')
  t.equal(runGit(repo, 'rev-parse', 'moving'), runGit(repo, 'rev-parse', 'main'), 'it is never reset')

  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  runGit(repo, 'worktree', 'add', '--quiet', join(dirname(repo), 'holder'), 'moving-restored')
  t.match((await archive.restore(localBoard, id)).workspace, { branchName: 'moving-restored-restored', cleanupReason: /checked out at .*holder/ })
  t.equal(statusOf(path), before)
  t.match(await read(id), { rescue: { restoredBranch: null }, branch_created_by_runtime: true })
})

t.test('a restore on a new branch that was cut off is finished, or taken back with its branch', async t => {
  const cutOff = async (branch: string) => {
    const made = await addWorkspace(branch)
    await writeFiles(made.path, { [`${branch}.txt`]: 'committed\n' })
    commitAll(made.path, 'work')
    await writeFiles(made.path, { 'new.txt': 'untracked\n' })
    await archive.archive(localBoard, made.id)
    runGit(repo, 'branch', '--force', branch, 'main')
    await archive.restore(localBoard, made.id)
    const { rescue } = await read(made.id)
    const record = { ...rescue, restoringFrom: 'archived', madeByRestore: true, removed: true, restoredBranch: { name: `${branch}-restored`, insteadOf: branch } }
    await db.updateTable('execution_workspaces').set({ status: 'archiving', branch_name: branch, rescue: JSON.stringify(record) }).where('id', '=', made.id).execute()
    return made
  }
  const whole = await cutOff('cut-whole')
  t.match(await archive.finishInterrupted(await read(whole.id)), { status: 'active', branch_name: 'cut-whole-restored' })

  const half = await cutOff('cut-half')
  await rm(join(half.path, 'cut-half.txt'))
  t.match(await archive.finishInterrupted(await read(half.id)), { status: 'archived', branch_name: 'cut-half' })
  t.equal(runGit(repo, 'branch', '--list', 'cut-half-restored'), '', 'nothing half made is left')
  t.match((await archive.restore(localBoard, half.id)).workspace, { status: 'active', branchName: 'cut-half-restored' })
  t.equal(readFileSync(join(half.path, 'cut-half.txt'), 'utf8'), 'committed\n')
})

t.test('a worktree with a submodule is archived, and the own commits of that come back with a command that is told', async t => {
  const part = await makeRepository(t)
  const anywhere = ['-c', 'protocol.file.allow=always']
  const { id, path } = await addWorkspace('with-part')
  runGit(path, ...anywhere, 'submodule', '--quiet', 'add', part, 'part')
  commitAll(path, 'with a part')
  await writeFiles(join(path, 'part'), { 'only-here.txt': 'nowhere else\n' })
  const tip = commitAll(join(path, 'part'), 'only here')
  runGit(path, 'add', 'part')
  const archived = await archive.archive(localBoard, id)
  t.match(archived.workspace, { status: 'archived', cleanupReason: /own commits of the submodule part are kept/ })
  t.notOk(existsSync(path))

  const { workspace } = await archive.restore(localBoard, id)
  t.match(workspace, { status: 'active', cleanupReason: /part comes back without its files/ })
  t.match(runGit(path, 'ls-files', '--stage', 'part'), tip, 'what was staged is staged')
  const command = /`git (-C part fetch .+?)`/.exec(workspace.cleanupReason ?? '')?.[1] ?? ''
  runGit(path, ...anywhere, 'clone', '--quiet', part, 'part')
  runGit(path, ...command.split(' '))
  runGit(path, ...anywhere, 'submodule', '--quiet', 'update', '--init')
  t.equal(readFileSync(join(path, 'part', 'only-here.txt'), 'utf8'), 'nowhere else\n')
  t.equal(runGit(path, 'status', '--porcelain'), 'M  part')

  await writeFiles(join(path, 'part'), { 'changed.txt': 'not committed\n' })
  t.match((await archive.archive(localBoard, id)).workspace, { status: 'cleanup_failed', cleanupReason: /part has changes of its own/ })
  t.equal(readFileSync(join(path, 'part', 'changed.txt'), 'utf8'), 'not committed\n', 'they are where they were')
})

t.test('a snapshot that is gone is said so', async t => {
  const { id, path } = await addWorkspace('forgotten')
  await archive.archive(localBoard, id)
  runGit(repo, 'update-ref', '-d', `refs/berth/rescue/${id}`)
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', message: /not in .* any more/ })
  t.equal((await read(id)).status, 'archived')
  t.notOk(existsSync(path))
})

t.test('only what is archived is restored, and only one workspace has a folder', async t => {
  const { id, path } = await addWorkspace('only')
  await t.rejects(archive.restore(localBoard, id), { code: 'workspace_state_conflict', statusCode: 409 })
  await archive.archive(localBoard, id)
  const other = await addRow({ cwd: path, realized_path: path, branch_name: 'only' })
  await t.rejects(archive.restore(localBoard, id), { code: 'worktree_taken', statusCode: 409 })
  t.equal((await read(id)).status, 'archived')
  await db.deleteFrom('execution_workspaces').where('id', '=', other).execute()
  const results = await Promise.allSettled([archive.restore(localBoard, id), archive.restore(localBoard, id)])
  t.equal(results.filter(result => result.status === 'fulfilled').length, 1, 'two at once: one does it')
  t.equal((await read(id)).status, 'active')
})

t.test('a workspace whose worktree was kept is only opened again', async t => {
  const { id, path } = await addWorkspace('by-hand', { created_by_runtime: false })
  await archive.archive(localBoard, id)
  await writeFile(join(path, 'later.txt'), 'written while it was archived\n')
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'later.txt'), 'utf8'), 'written while it was archived\n')
})

t.test('what stands at the place later is not taken over', async t => {
  const { id, path } = await addWorkspace('reused')
  await archive.archive(localBoard, id)
  runGit(repo, 'worktree', 'add', '--quiet', '-b', 'reused', path, 'main')
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', message: /Something else/ })
  t.ok(existsSync(path))

  const own = await addWorkspace('own', { created_by_runtime: false })
  await archive.archive(localBoard, own.id)
  runGit(repo, 'worktree', 'remove', own.path)
  runGit(repo, 'branch', '--force', 'own', 'HEAD')
  runGit(repo, 'branch', '--delete', '--force', 'own')
  await t.rejects(archive.restore(localBoard, own.id), { code: 'branch_missing' })
  t.equal((await read(own.id)).created_by_runtime, false, 'a restore that failed gives no right to remove anything')
})

t.test('a workspace that could not be cleaned up is opened again as it stands', async t => {
  const { id, path } = await addWorkspace('unclean')
  await writeFile(join(path, 'new.txt'), 'here\n')
  runGit(repo, 'worktree', 'lock', path)
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'cleanup_failed')
  t.match((await archive.restore(localBoard, id)).workspace, { status: 'active', cleanupReason: null })
  t.equal(readFileSync(join(path, 'new.txt'), 'utf8'), 'here\n')
})

t.test('a folder that is no worktree any more is not taken for one; out of the way, what is kept comes back', async t => {
  const { id, path } = await addWorkspace('unlinked', { config: JSON.stringify({ teardownCommand: 'rm .git' }) })
  await writeFile(join(path, 'new.txt'), 'here\n')
  t.match((await archive.archive(localBoard, id)).workspace, { status: 'cleanup_failed', cleanupReason: /not a git repository/ })
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', message: /is no worktree any more; nothing was touched/ })
  t.equal((await read(id)).status, 'cleanup_failed')
  t.equal(readFileSync(join(path, 'new.txt'), 'utf8'), 'here\n')
  renameSync(path, `${path}-away`)
  t.match((await archive.restore(localBoard, id)).workspace, { status: 'active', cleanupReason: null })
  t.equal(runGit(path, 'status', '--porcelain'), '?? new.txt')
})

t.test("a link that was put at the place, even to somebody's worktree, is not taken for the workspace's own", async t => {
  const [one, other] = [await addWorkspace('linked-one'), await addWorkspace('linked-other')]
  renameSync(one.path, `${one.path}-away`)
  symlinkSync(other.path, one.path)
  t.match((await archive.archive(localBoard, one.id)).workspace, { status: 'cleanup_failed', cleanupReason: /is a symlink/ })
  await t.rejects(archive.restore(localBoard, one.id), { code: 'restore_failed', message: /is a symlink by now; nothing was restored/ })
  t.equal((await read(one.id)).status, 'cleanup_failed')
})

t.test('without a snapshot the branch is attached', async t => {
  runGit(repo, 'branch', 'lonely', 'main')
  const path = join(dataDir, 'worktrees', 'lonely')
  const id = await addRow({ status: 'archived', cwd: path, realized_path: path, repo_root: repo, branch_name: 'lonely', created_by_runtime: true })
  const { workspace } = await archive.restore(localBoard, id)
  t.match(workspace, { status: 'active', cleanupReason: /no snapshot/ })
  t.equal(runGit(path, 'symbolic-ref', 'HEAD'), 'refs/heads/lonely')

  const second = join(dataDir, 'worktrees', 'second')
  const taken = await addRow({ status: 'archived', cwd: second, realized_path: second, repo_root: repo, branch_name: 'lonely', created_by_runtime: true })
  t.match((await archive.restore(localBoard, taken)).workspace, { status: 'active', branchName: 'lonely-restored', cleanupReason: /checked out at/ })

  const lost = join(dataDir, 'worktrees', 'lost')
  const gone = await addRow({ status: 'archived', cwd: lost, realized_path: lost, repo_root: repo, branch_name: 'never-was', created_by_runtime: true })
  await t.rejects(archive.restore(localBoard, gone), { code: 'branch_missing', statusCode: 422 }, 'a branch is never made anew silently')
})
