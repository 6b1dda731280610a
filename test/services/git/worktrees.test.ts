/** Worktrees are listed, added, attached, given back and removed, and nothing half made is left. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { addWorktree, branchExists, folderExists, listWorktrees, removeWorktree } from '../../../services/git/worktrees.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit, statusOf } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('worktrees are listed with branch, HEAD and what is special about them', async t => {
  const root = await makeRepository(t)
  const head = runGit(root, 'rev-parse', 'HEAD')
  const tree = addTestWorktree(root, 'feature/a')
  const lost = addTestWorktree(root, 'lost')
  rmSync(lost, { recursive: true })
  const strange = join(dirname(root), 'line\nend')
  runGit(root, 'worktree', 'add', '--quiet', '--detach', strange)
  runGit(root, 'worktree', 'lock', strange)
  const plain = { head, detached: false, bare: false, locked: false, prunable: false }
  const found = await listWorktrees(git, root)
  t.same(found[0], { ...plain, path: root, branch: 'main' }, 'the main one first')
  t.same(found.find(entry => entry.path === tree), { ...plain, path: tree, branch: 'feature/a' })
  t.same(found.find(entry => entry.path === lost), { ...plain, path: lost, branch: 'lost', prunable: true })
  t.same(found.find(entry => entry.path === strange), { ...plain, path: strange, branch: null, detached: true, locked: true })
})

t.test('a new branch starts at the base and tracks nothing', async t => {
  const root = await makeRepository(t, { remote: true, commits: [{ b: 'b' }] })
  const path = join(dirname(root), 'deep', 'er', 'one')
  runGit(root, 'config', 'branch.autoSetupMerge', 'always')
  const baseSha = runGit(root, 'rev-parse', 'HEAD~1')
  await addWorktree(git, { repoRoot: root, path, branch: 'one', baseSha })
  t.equal(runGit(path, 'rev-parse', 'HEAD'), baseSha)
  t.equal(runGit(path, 'symbolic-ref', '--short', 'HEAD'), 'one')
  t.throws(() => runGit(path, 'rev-parse', '@{upstream}'))
})

t.test('an existing branch is attached as it is, also into an empty folder', async t => {
  const root = await makeRepository(t, { commits: [{ b: 'b' }] })
  runGit(root, 'branch', 'old', 'HEAD~1')
  // A tag of the same name must not be taken for the branch.
  runGit(root, 'tag', 'old', 'HEAD')
  const path = join(dirname(root), 'old')
  mkdirSync(path)
  await addWorktree(git, { repoRoot: root, path, branch: 'old', baseSha: null })
  t.equal(runGit(path, 'symbolic-ref', 'HEAD'), 'refs/heads/old')
  t.equal(runGit(path, 'rev-parse', 'HEAD'), runGit(root, 'rev-parse', 'HEAD~1'))
})

t.test('without a branch HEAD is detached at the base', async t => {
  const root = await makeRepository(t)
  const path = join(dirname(root), 'detached')
  await addWorktree(git, { repoRoot: root, path, branch: null, baseSha: runGit(root, 'rev-parse', 'HEAD') })
  t.match((await listWorktrees(git, root))[1], { path, detached: true, branch: null })
})

t.test('a folder with something in it, a file or a link is not touched', async t => {
  const root = await makeRepository(t)
  const path = join(dirname(root), 'taken')
  mkdirSync(path)
  writeFileSync(join(path, 'mine'), 'mine')
  const baseSha = runGit(root, 'rev-parse', 'HEAD')
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path, branch: 'new', baseSha })), { code: 'worktree_mismatch' })
  t.equal(readFileSync(join(path, 'mine'), 'utf8'), 'mine')
  t.equal(await branchExists(git, root, 'new'), false)
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path: join(path, 'mine'), branch: 'new', baseSha })), { code: 'worktree_mismatch' })
})

t.test('what was half made is undone when checking out fails', async t => {
  const root = await makeRepository(t, { files: { '.gitattributes': '*.x filter=broken\n', 'a.x': 'a' } })
  runGit(root, 'config', 'filter.broken.smudge', 'false')
  runGit(root, 'config', 'filter.broken.required', 'true')
  const path = join(dirname(root), 'half')
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path, branch: 'half', baseSha: runGit(root, 'rev-parse', 'HEAD') })), { name: 'GitFailed' })
  t.equal(await branchExists(git, root, 'half'), false)
  t.equal(existsSync(path), false)
  t.equal((await listWorktrees(git, root)).length, 1)
})

t.test('a call ended in the middle of checking out leaves nothing either', async t => {
  const root = await makeRepository(t, { files: { '.gitattributes': '*.x filter=slow\n', 'a.x': 'a' } })
  const started = join(dirname(root), 'started')
  const program = join(dirname(root), 'slow')
  writeFileSync(program, `#!/bin/sh\ntouch ${started}\nexec sleep 600\n`)
  chmodSync(program, 0o755)
  runGit(root, 'config', 'filter.slow.smudge', program)
  const path = join(dirname(root), 'half')
  const controller = new AbortController()
  const call = addWorktree(git, { repoRoot: root, path, branch: 'half', baseSha: runGit(root, 'rev-parse', 'HEAD'), signal: controller.signal })
  const deadline = Date.now() + 20_000
  while (!existsSync(started) && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
  controller.abort()
  t.match(await rejectionOf(call), { reason: 'aborted' })
  t.equal(await branchExists(git, root, 'half'), false)
  t.equal(existsSync(path), false)
  t.equal((await listWorktrees(git, root)).length, 1)
})

t.test('an existing branch survives a failure', async t => {
  const root = await makeRepository(t)
  addTestWorktree(root, 'busy')
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path: join(dirname(root), 'other'), branch: 'busy', baseSha: null })), { name: 'GitFailed' })
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path: join(dirname(root), 'other'), branch: 'busy', baseSha: runGit(root, 'rev-parse', 'HEAD') })), { name: 'GitFailed' })
  t.equal(await branchExists(git, root, 'busy'), true)
})

t.test('a worktree whose folder was deleted comes back with what was staged, also at another place', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'staged'), 'staged\n')
  runGit(tree, 'add', 'staged')
  const before = statusOf(tree)
  rmSync(tree, { recursive: true })
  await addWorktree(git, { repoRoot: root, path: tree, branch: 'work', baseSha: null })
  t.equal(statusOf(tree), before)
  t.equal(readFileSync(join(tree, 'staged'), 'utf8'), 'staged\n')
  rmSync(tree, { recursive: true })
  const other = join(dirname(root), 'moved', 'here')
  await addWorktree(git, { repoRoot: root, path: other, branch: 'work', baseSha: null })
  t.equal(statusOf(other), before)
  t.same((await listWorktrees(git, root)).map(entry => entry.path), [root, other])
})

t.test('the entry of a lost worktree makes room for a new branch, but not when somebody staged there', async t => {
  const root = await makeRepository(t)
  const baseSha = runGit(root, 'rev-parse', 'HEAD')
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'staged'), 'staged\n')
  runGit(tree, 'add', 'staged')
  rmSync(tree, { recursive: true })
  t.match(await rejectionOf(addWorktree(git, { repoRoot: root, path: tree, branch: 'new', baseSha })), { code: 'worktree_mismatch', detail: /staged/ })
  const clean = addTestWorktree(root, 'clean')
  rmSync(clean, { recursive: true })
  await addWorktree(git, { repoRoot: root, path: clean, branch: 'new', baseSha })
  t.equal(runGit(clean, 'symbolic-ref', '--short', 'HEAD'), 'new')
})

t.test('removing takes a clean worktree and an entry without a folder, nothing else', async t => {
  const root = await makeRepository(t)
  const clean = addTestWorktree(root, 'clean')
  await removeWorktree(git, { repoRoot: root, path: clean })
  t.equal(await folderExists(clean), false)
  const lost = addTestWorktree(root, 'lost')
  rmSync(lost, { recursive: true })
  await removeWorktree(git, { repoRoot: root, path: lost })
  const dirty = addTestWorktree(root, 'dirty')
  writeFileSync(join(dirty, 'new'), 'new')
  t.match(await rejectionOf(removeWorktree(git, { repoRoot: root, path: dirty })), { name: 'GitFailed' })
  t.ok(existsSync(join(dirty, 'new')))
  const locked = addTestWorktree(root, 'locked')
  runGit(root, 'worktree', 'lock', locked)
  t.match(await rejectionOf(removeWorktree(git, { repoRoot: root, path: locked })), { name: 'GitFailed' })
  t.match(await rejectionOf(removeWorktree(git, { repoRoot: root, path: root })), { name: 'GitFailed' }, 'never the main one')
  t.same((await listWorktrees(git, root)).map(entry => entry.path), [root, dirty, locked])
})
