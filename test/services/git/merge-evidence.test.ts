/** What counts as merged without being an ancestor, and what never does. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { inspectWorktree } from '../../../services/git/inspect.ts'
import { findMergeEvidence } from '../../../services/git/merge-evidence.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

/** A branch with two commits, in a worktree of its own. */
async function branched (t: Parameters<typeof makeRepository>[0]) {
  const root = await makeRepository(t, { files: { a: 'a\n', b: 'b\n' } })
  const tree = addTestWorktree(root, 'work')
  const write = (at: string, name: string, text: string) => {
    writeFileSync(join(at, name), text)
    return commitAll(at, `${name} is ${text.trim()}`)
  }
  const commits = [write(tree, 'a', 'mine\n'), write(tree, 'new', 'new\n')]
  return { root, tree, commits, write, inspect: async () => await inspectWorktree(git, { path: tree, baseRef: 'main', branchName: 'work' }) }
}

t.test('a squash merge: by its tree, and by its patch when the base has gone beyond it', async t => {
  const { root, inspect, write } = await branched(t)
  t.match(await inspect(), { isMergedIntoBase: false, mergeEvidence: null, aheadCount: 2 })
  runGit(root, 'merge', '--quiet', '--squash', 'work')
  commitAll(root, 'squashed')
  t.match(await inspect(), { isMergedIntoBase: true, mergeEvidence: 'tree', aheadCount: 2, behindCount: 1, problems: [] })
  write(root, 'b', 'theirs\n')
  t.match(await inspect(), { mergeEvidence: 'tree', behindCount: 2 }, 'what the base has beside does not matter')
  write(root, 'a', 'beyond\n')
  t.match(await inspect(), { isMergedIntoBase: true, mergeEvidence: 'patch' }, 'nor that it went on from there')
})

t.test('commits that were picked one by one, all of them and not some', async t => {
  const { root, inspect, commits: [first = '', second = ''], write } = await branched(t)
  write(root, 'b', 'before\n')
  runGit(root, 'cherry-pick', first)
  t.match(await inspect(), { isMergedIntoBase: false, mergeEvidence: null })
  write(root, 'a', 'beyond\n')
  runGit(root, 'cherry-pick', second)
  t.match(await inspect(), { isMergedIntoBase: true, mergeEvidence: 'patch' })
})

t.test('what somebody did while merging the base in is not passed over', async t => {
  const { root, tree, inspect, commits, write } = await branched(t)
  write(root, 'b', 'theirs\n')
  runGit(tree, 'merge', '--quiet', '--no-commit', 'main')
  write(tree, 'while-merging', 'work\n')
  for (const commit of commits) runGit(root, 'cherry-pick', commit)
  t.match(await inspect(), { isMergedIntoBase: false, mergeEvidence: null })
})

t.test('a change that the base has taken back is merged by its patch, one that was never there is not', async t => {
  const { root, tree, inspect, write } = await branched(t)
  runGit(root, 'merge', '--quiet', '--squash', 'work')
  commitAll(root, 'squashed')
  runGit(root, 'revert', '--no-edit', 'HEAD')
  t.match(await inspect(), { mergeEvidence: 'patch' })
  write(tree, 'a', 'mine again\n')
  t.match(await inspect(), { isMergedIntoBase: false, mergeEvidence: null })
})

t.test('nothing is written into the repository, and what can not be found out is unknown', async t => {
  const { root, tree, inspect, write } = await branched(t)
  write(root, 'b', 'theirs\n')
  const objects = () => readdirSync(join(root, '.git', 'objects'), { recursive: true }).length
  const before = objects()
  t.match(await inspect(), { isMergedIntoBase: false })
  t.equal(objects(), before)
  await t.rejects(findMergeEvidence(git, { path: tree, base: 'main', tip: 'HEAD' }, 1_001), /too many/)
  const failing = Object.assign(async (...call: Parameters<typeof git>) => call[0][0] === 'merge-base' ? await git(['rev-parse', '--verify', 'no-such-ref'], call[1]) : await git(...call), { ...git })
  t.match(await inspectWorktree(failing, { path: tree, baseRef: 'main', branchName: 'work' }), { isMergedIntoBase: null, mergeEvidence: null, aheadCount: 2, problems: [/squash merge/] })
})

t.test('a branch without common ground is not merged', async t => {
  const root = await makeRepository(t)
  runGit(root, 'checkout', '--quiet', '--orphan', 'alone')
  commitAll(root, 'from nothing')
  runGit(root, 'commit', '--quiet', '--allow-empty', '--message', 'more')
  t.match(await inspectWorktree(git, { path: root, baseRef: 'main', branchName: 'alone' }), { isMergedIntoBase: false, mergeEvidence: null })
})
