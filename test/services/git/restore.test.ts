/** A restore refuses what it would overwrite, and says what is in its way. */
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { attachSnapshot } from '../../../services/git/attach.ts'
import { createGit } from '../../../services/git/exec.ts'
import { branchExists } from '../../../services/git/branches.ts'
import { restoreSnapshot } from '../../../services/git/restore.ts'
import { takeSnapshot } from '../../../services/git/rescue.ts'
import { removeWorktree } from '../../../services/git/worktrees.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

/** A dirty worktree that was rescued; with `gone` its folder and entry are removed. */
async function makeRescued (t: Test, options: { gone: boolean }) {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { 'README.md': 'changed\n', new: 'new\n' })
  runGit(tree, 'commit', '--quiet', '--allow-empty', '--message', 'undone')
  runGit(tree, 'reset', '--quiet', 'HEAD~')
  const log = runGit(tree, 'reflog')
  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })
  if (options.gone) {
    rmSync(tree, { recursive: true })
    await removeWorktree(git, { repoRoot: root, path: tree })
  }
  return { root, tree, log, input: { repoRoot: root, worktreePath: tree, snapshot } }
}

t.test('the branch is attached, or made again at its old commit when it is gone', async t => {
  const { root, tree, log, input } = await makeRescued(t, { gone: true })
  t.same(await attachSnapshot(git, input), { branchCreated: false })
  rmSync(tree, { recursive: true })
  await removeWorktree(git, { repoRoot: root, path: tree })
  runGit(root, 'branch', '--delete', '--force', 'work')
  t.same(await attachSnapshot(git, input), { branchCreated: true })
  t.match(await restoreSnapshot(git, input), { changedFileCount: 2, warnings: [] })
  t.equal(readFileSync(join(tree, 'new'), 'utf8'), 'new\n')
  t.equal(runGit(tree, 'reflog'), log, 'the log of HEAD is that of before')
  t.match(log, /undone/)
})

t.test('an entry whose folder is gone does not stand in the way', async t => {
  const { tree, input } = await makeRescued(t, { gone: false })
  runGit(tree, 'add', 'new')
  rmSync(tree, { recursive: true })
  await attachSnapshot(git, input)
  await restoreSnapshot(git, input)
  t.equal(runGit(tree, 'status', '--porcelain'), ' M README.md\n?? new')
})

t.test('a branch that moved on, is checked out elsewhere, or a taken folder: refused, nothing made', async t => {
  const moved = await makeRescued(t, { gone: true })
  runGit(moved.root, 'switch', '--quiet', 'work')
  writeFileSync(join(moved.root, 'later'), 'later')
  commitAll(moved.root, 'later')
  runGit(moved.root, 'switch', '--quiet', 'main')
  t.match(await rejectionOf(attachSnapshot(git, moved.input)), { code: 'restore_failed', detail: /work has moved on/ })
  t.equal(existsSync(moved.tree), false)

  const busy = await makeRescued(t, { gone: true })
  runGit(busy.root, 'worktree', 'add', '--quiet', join(dirname(busy.root), 'other'), 'work')
  t.match(await rejectionOf(attachSnapshot(git, busy.input)), { code: 'restore_failed', detail: /other/ })
  t.equal(existsSync(busy.tree), false)

  const taken = await makeRescued(t, { gone: true })
  runGit(taken.root, 'branch', '--delete', '--force', 'work')
  await writeFiles(taken.tree, { mine: 'mine' })
  t.match(await rejectionOf(attachSnapshot(git, taken.input)), { code: 'restore_failed', detail: /not an empty folder/ })
  t.equal(readFileSync(join(taken.tree, 'mine'), 'utf8'), 'mine')
  t.equal(await branchExists(git, taken.root, 'work'), false)
})

t.test('a worktree with changes of its own or another HEAD is not touched', async t => {
  const { tree, input } = await makeRescued(t, { gone: false })
  t.match(await rejectionOf(restoreSnapshot(git, input)), { code: 'restore_failed', detail: /changes of its own, such as README\.md/ })
  runGit(tree, 'stash', '--include-untracked', '--quiet')
  runGit(tree, 'commit', '--quiet', '--allow-empty', '--message', 'moved')
  t.match(await rejectionOf(restoreSnapshot(git, input)), { code: 'restore_failed', detail: /HEAD/ })
  t.equal(readFileSync(join(tree, 'README.md'), 'utf8'), '# A test\n')
})

t.test('files that git calls changed as soon as it has made them do not stand in the way', async t => {
  const root = await makeRepository(t, { files: { 'ends.txt': 'a\r\nb\r\n' } })
  writeFileSync(join(root, '.gitattributes'), '* text\n')
  runGit(root, 'add', '.gitattributes')
  runGit(root, 'commit', '--quiet', '--message', 'never normalised')
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'new'), 'new\n')
  const input = { repoRoot: root, worktreePath: tree, snapshot: await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' }) }
  rmSync(tree, { recursive: true })
  await attachSnapshot(git, input)
  utimesSync(join(tree, 'ends.txt'), 1, 1)
  t.equal(runGit(tree, 'status', '--porcelain'), ' M ends.txt')
  t.match(await restoreSnapshot(git, input), { changedFileCount: 1, warnings: [] })
  t.equal(readFileSync(join(tree, 'ends.txt'), 'latin1'), 'a\r\nb\r\n')
})

t.test('a snapshot that is not there, or not of this form, is refused', async t => {
  const { root, input } = await makeRescued(t, { gone: true })
  await attachSnapshot(git, input)
  for (const worktreeCommit of ['1'.repeat(40), runGit(root, 'rev-parse', 'main')]) {
    t.match(await rejectionOf(restoreSnapshot(git, { ...input, snapshot: { ...input.snapshot, worktreeCommit } })), { code: 'restore_failed' })
  }
})

t.test('somebody holding the index is respected', async t => {
  const { tree, input } = await makeRescued(t, { gone: true })
  await attachSnapshot(git, input)
  const lock = `${runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'index')}.lock`
  writeFileSync(lock, 'held')
  t.match(await rejectionOf(restoreSnapshot(git, input)), { code: 'restore_failed' })
  t.equal(readFileSync(lock, 'utf8'), 'held')
})

t.test('an unborn branch that has a commit by now is refused', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  runGit(tree, 'switch', '--quiet', '--orphan', 'fresh')
  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })
  rmSync(tree, { recursive: true })
  runGit(root, 'branch', 'fresh', 'main')
  t.match(await rejectionOf(attachSnapshot(git, { repoRoot: root, worktreePath: tree, snapshot })), { code: 'restore_failed', detail: /fresh/ })
})
