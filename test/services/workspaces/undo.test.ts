/** Taking back a half-made workspace: all of it, only what was made, and telling what stays. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { createGit } from '../../../services/git/exec.ts'
import { undo } from '../../../services/workspaces/undo.ts'

const git = createGit({ env: gitTestEnv })

test('a dirty, even locked worktree and its branch go, with the folders they emptied', async t => {
  const repoRoot = await makeRepository(t)
  const parentDir = join(dirname(repoRoot), 'trees')
  const path = join(parentDir, 'deep/er/x')
  runGit(repoRoot, 'worktree', 'add', '-q', '--lock', '-b', 'deep/er/x', path)
  await writeFiles(path, { 'untracked.txt': 'x', 'README.md': 'changed' })
  const baseSha = runGit(repoRoot, 'rev-parse', 'HEAD')
  t.same(await undo(git, { made: { folder: true, branch: true }, repoRoot, path, branch: 'deep/er/x', baseSha, parentDir }), { folderGone: true, branchGone: true, problems: [] })
  t.notOk(existsSync(join(parentDir, 'deep')))
  t.ok(existsSync(parentDir), 'the parent itself stays')
  t.equal(runGit(repoRoot, 'branch', '--list'), '* main')
  t.equal(runGit(repoRoot, 'worktree', 'list').split('\n').length, 1)
  t.same((await undo(git, { made: { folder: true, branch: true }, repoRoot, path, branch: 'deep/er/x', baseSha, parentDir })).problems, [], 'once more changes nothing')
})

test('what was found and not made stays', async t => {
  const repoRoot = await makeRepository(t)
  const path = addTestWorktree(repoRoot, 'theirs')
  t.same(await undo(git, { made: { folder: false, branch: false }, repoRoot, path, branch: 'theirs', baseSha: null, parentDir: dirname(path) }), { folderGone: true, branchGone: true, problems: [] })
  t.ok(existsSync(path))
})

test('a branch with commits of its own is kept and told', async t => {
  const repoRoot = await makeRepository(t)
  const path = addTestWorktree(repoRoot, 'worked')
  const baseSha = runGit(repoRoot, 'rev-parse', 'HEAD')
  await writeFiles(path, { 'x.txt': 'x' })
  commitAll(path, 'work')
  const undone = await undo(git, { made: { folder: true, branch: true }, repoRoot, path, branch: 'worked', baseSha, parentDir: dirname(path) })
  t.match(undone, { folderGone: true, branchGone: false, problems: [/the branch worked is kept/] })
})

test('a repository that is gone makes no error of its own', async t => {
  const repoRoot = await makeRepository(t)
  const path = join(dirname(repoRoot), 'left')
  await mkdir(path)
  const undone = await undo(git, { made: { folder: true, branch: false }, repoRoot: join(repoRoot, 'gone'), path, branch: 'b', baseSha: null, parentDir: dirname(path) })
  t.match(undone, { folderGone: false, problems: [/could not be removed/] })
})
