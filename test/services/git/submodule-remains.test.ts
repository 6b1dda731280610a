/** What lies at the place of a submodule that is not checked out, and what is left of one that no longer is, is found and kept. */
import { mkdirSync, readFileSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { inspectWorktree } from '../../../services/git/inspect.ts'
import { attachSnapshot, restoreSnapshot, sameAsSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { listLooseFiles } from '../../../services/git/submodule-remains.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, statusOf, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { listTree } from '../../fixtures/tree.ts'

const git = createGit({ env: gitTestEnv })
const anywhere = ['-c', 'protocol.file.allow=always']

/** A worktree of a repository with a submodule `lib/inner`, which is not checked out there. */
async function makeTree (t: Test) {
  const inner = await makeRepository(t)
  const root = await makeRepository(t)
  runGit(root, ...anywhere, 'submodule', '--quiet', 'add', inner, 'lib/inner')
  commitAll(root, 'with inner')
  const tree = addTestWorktree(root, 'work')
  return { root, tree, place: { repoRoot: root, worktreePath: tree, workspaceId: 'w' }, checkOut: () => runGit(tree, ...anywhere, 'submodule', '--quiet', 'update', '--init') }
}

async function comesBack (t: Test, { root, tree, place }: Awaited<ReturnType<typeof makeTree>>) {
  const before = { status: statusOf(tree), files: listTree(tree) }
  const snapshot = await takeSnapshot(git, place)
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true)
  rmSync(tree, { recursive: true })
  runGit(root, 'worktree', 'prune')
  await attachSnapshot(git, { ...place, snapshot })
  const { warnings } = await restoreSnapshot(git, { ...place, snapshot })
  t.same({ status: statusOf(tree), files: listTree(tree) }, before)
  return { snapshot, warnings }
}

t.test('files at the place of a submodule that is not checked out come back, and are counted before', async t => {
  const made = await makeTree(t)
  await writeFiles(join(made.tree, 'lib/inner'), { notes: 'written here\n', 'deep/er': 'too\n' })
  symlinkSync('notes', join(made.tree, 'lib/inner/link'))
  t.equal(statusOf(made.tree), '', 'git passes over them')
  const inspection = await inspectWorktree(git, { path: made.tree, baseRef: null, branchName: 'work' })
  t.match(inspection, { untrackedEntryCount: 3, hindrances: [], rescue: { counts: { untracked: 3 } } })
  const { snapshot, warnings } = await comesBack(t, made)
  t.same(snapshot.files.map(({ path }) => path).sort(), ['lib/inner/deep/er', 'lib/inner/link', 'lib/inner/notes'])
  t.same(warnings, [])
})

t.test('a change of them is seen', async t => {
  const { tree, place } = await makeTree(t)
  const snapshot = await takeSnapshot(git, place)
  writeFileSync(join(tree, 'lib/inner/late'), 'late')
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), false)
})

t.test('a repository there, or more than anybody writes by hand, is refused', async t => {
  const { tree, place } = await makeTree(t)
  mkdirSync(join(tree, 'lib/inner/own/.git'), { recursive: true })
  t.match(await rejectionOf(takeSnapshot(git, place)), { code: 'rescue_failed', detail: /lib\/inner\/own\/ is a git repository of its own/ })
  t.match((await inspectWorktree(git, { path: tree, baseRef: null, branchName: 'work' })).hindrances, [/lib\/inner\/own\/ is a git repository/])
  rmSync(join(tree, 'lib/inner/own'), { recursive: true })
  mkdirSync(join(tree, 'lib/inner/many'))
  for (let at = 0; at <= 20_000; at++) symlinkSync('x', join(tree, `lib/inner/many/${at}`))
  t.match(await rejectionOf(listLooseFiles(tree, ['lib/inner'])), { message: /lib\/inner is not checked out, and there are too many files/ })
})

t.test('a file or nothing in place of a submodule comes back', async t => {
  for (const replace of [(path: string) => writeFileSync(path, 'a file\n'), () => {}]) {
    const made = await makeTree(t)
    rmdirSync(join(made.tree, 'lib/inner'))
    replace(join(made.tree, 'lib/inner'))
    await comesBack(t, made)
  }
})

t.test('commits of a submodule that is not checked out any more are kept; a stash of it keeps the worktree', async t => {
  const { root, tree, place, checkOut } = await makeTree(t)
  checkOut()
  const path = join(tree, 'lib/inner')
  writeFileSync(join(path, 'README.md'), 'mine\n')
  commitAll(path, 'only here')
  const own = runGit(path, 'rev-parse', 'HEAD')
  runGit(tree, 'submodule', '--quiet', 'deinit', '--force', 'lib/inner')
  const snapshot = await takeSnapshot(git, place)
  t.match(snapshot.warnings, [new RegExp(`own commits of the submodule lib/inner are kept in the snapshot.* ${own} `)])
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true)
  const repository = join(runGit(tree, 'rev-parse', '--absolute-git-dir'), 'modules/lib/inner')
  t.equal(readFileSync(join(repository, 'HEAD'), 'utf8').length > 0, true, 'it lies in the entry of the worktree')
  runGit(root, 'reflog', 'expire', '--expire=now', '--all')
  runGit(root, 'gc', '--quiet', '--prune=now')
  t.equal(runGit(root, 'log', '--max-count=1', '--format=%s', own), 'only here')

  checkOut()
  writeFileSync(join(path, 'README.md'), 'stashed\n')
  runGit(path, 'stash', '--quiet')
  runGit(tree, 'submodule', '--quiet', 'deinit', '--force', 'lib/inner')
  t.match(await rejectionOf(takeSnapshot(git, place)), { code: 'rescue_failed', detail: /lib\/inner, which is not checked out any more, has a stash or a tag/ })
  t.match((await inspectWorktree(git, { path: tree, baseRef: null, branchName: 'work' })).hindrances, [/has a stash or a tag/])
})
