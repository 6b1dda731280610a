/** Branches are deleted only with evidence that nothing goes with them. */
import { dirname, join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { branchExists, deleteMergedBranch, resolveCommit } from '../../../services/git/branches.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

t.test('refs resolve to commits, and what looks like an option does not', async t => {
  const root = await makeRepository(t)
  const head = runGit(root, 'rev-parse', 'HEAD')
  runGit(root, 'tag', '--annotate', '--message', 'v1', 'v1')
  for (const ref of ['HEAD', 'main', 'v1', head]) t.equal(await resolveCommit(git, root, ref), head, ref)
  for (const ref of ['nowhere', '--all', '-h', '', 'HEAD:README.md', '0'.repeat(40), 'a b']) t.equal(await resolveCommit(git, root, ref), null, JSON.stringify(ref))
  t.equal(await branchExists(git, root, 'main'), true)
  t.equal(await branchExists(git, root, 'v1'), false, 'a tag is no branch')
  t.equal(await branchExists(git, root, '--help'), false)
})

t.test('a branch whose commits are in the base goes, with its settings', async t => {
  const root = await makeRepository(t, { commits: [{ b: 'b' }] })
  runGit(root, 'branch', 'done', 'HEAD~1')
  runGit(root, 'config', 'branch.done.description', 'x')
  t.match(await deleteMergedBranch(git, { repoRoot: root, branch: 'done', baseRef: 'main' }), { deleted: true, reason: null })
  t.equal(await branchExists(git, root, 'done'), false)
  t.throws(() => runGit(root, 'config', 'branch.done.description'))
})

t.test('the evidence is the recorded base, not what happens to be checked out', async t => {
  const root = await makeRepository(t, { commits: [{ b: 'b' }] })
  runGit(root, 'branch', 'release', 'HEAD')
  runGit(root, 'branch', 'done', 'HEAD')
  runGit(root, 'switch', '--quiet', '--detach', 'HEAD~1')
  t.match(await deleteMergedBranch(git, { repoRoot: root, branch: 'done', baseRef: 'release' }), { deleted: true, reason: null })
})

t.test('a branch is kept, with the reason, when unmerged, in use, without a known base, or not there', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'x'), 'x')
  commitAll(tree, 'work')
  addTestWorktree(root, 'in-use')
  runGit(root, 'branch', 'merged', 'HEAD')
  const cases: [string, string | null, RegExp][] = [
    ['work', 'main', /not merged into main/],
    ['work', null, /no base is recorded/],
    ['in-use', 'main', new RegExp(`checked out at ${join(dirname(root), 'in-use')}`)],
    ['merged', 'gone', /base gone is unknown/],
    ['merged', '--all', /unknown/],
    ['merged', 'merged', /its own base/],
    ['never', 'main', /no branch never/]
  ]
  for (const [branch, baseRef, reason] of cases) t.match(await deleteMergedBranch(git, { repoRoot: root, branch, baseRef }), { deleted: false, reason }, `${branch} on ${baseRef}`)
  for (const branch of ['work', 'in-use', 'merged']) t.equal(await branchExists(git, root, branch), true)
})

t.test('without a base a branch is kept, even where git itself would delete it', async t => {
  const root = await makeRepository(t)
  runGit(root, 'branch', 'done')
  t.match(await deleteMergedBranch(git, { repoRoot: root, branch: 'done', baseRef: null }), { deleted: false, reason: /no base is recorded/ })
  t.equal(await branchExists(git, root, 'done'), true)
})

t.test('what the main checkout has out, or an upstream has, is no evidence', async t => {
  const root = await makeRepository(t, { remote: true })
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'x'), 'x')
  commitAll(tree, 'work')
  runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'work')
  runGit(root, 'worktree', 'remove', tree)
  runGit(root, 'switch', '--quiet', '--detach', 'work')
  t.match(await deleteMergedBranch(git, { repoRoot: root, branch: 'work', baseRef: 'main' }), { deleted: false, reason: /not merged into main/ })
  runGit(root, 'branch', '-d', 'work')
  t.equal(await branchExists(git, root, 'work'), false, 'git would have deleted it')
})

t.test('a squash merge is evidence where something keeps the commits, and only of the very tip', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'x'), 'x')
  const first = commitAll(tree, 'one')
  writeFileSync(join(tree, 'y'), 'y')
  const tip = commitAll(tree, 'two')
  runGit(root, 'worktree', 'remove', tree)
  runGit(root, 'merge', '--quiet', '--squash', 'work')
  commitAll(root, 'squashed')
  const input = { repoRoot: root, branch: 'work', baseRef: 'main' }
  for (const kept of [[], [null, first]]) t.match(await deleteMergedBranch(git, { ...input, kept }), { deleted: false, reason: /not merged into main/ })
  t.same(await deleteMergedBranch(git, { ...input, kept: [null, tip] }), { deleted: true, tip, reason: null, settings: [] })
  t.equal(await branchExists(git, root, 'work'), false)
})
