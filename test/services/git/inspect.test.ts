/** What inspection sees, and that what it could not see never passes for clean or merged. */
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit, type Git } from '../../../services/git/exec.ts'
import { inspectWorktree } from '../../../services/git/inspect.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit({ env: gitTestEnv })
const unknown = { aheadCount: null, behindCount: null, isMergedIntoBase: null, mergeEvidence: null }

t.test('a clean worktree at its base is merged, by ancestry', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  t.same(await inspectWorktree(git, { path: tree, baseRef: 'main', branchName: 'work' }), {
    repoRoot: root,
    workspacePath: tree,
    branchName: 'work',
    baseRef: 'main',
    hasDirtyTrackedFiles: false,
    hasUntrackedFiles: false,
    dirtyEntryCount: 0,
    untrackedEntryCount: 0,
    aheadCount: 0,
    behindCount: 0,
    isMergedIntoBase: true,
    headSha: runGit(root, 'rev-parse', 'main'),
    checkedOutBranch: 'work',
    branchDrift: false,
    operationInProgress: null,
    unpushedCount: null,
    unreferencedCount: null,
    ignoredEntryCount: 0,
    ignoredEntries: [],
    hasSubmodules: false,
    nestedRepositories: [],
    mergeEvidence: 'ancestor',
    isReadable: true,
    pathExists: true,
    rescue: { counts: { staged: 0, modified: 0, deleted: 0, untracked: 0, ignored: 0, conflicted: 0 }, files: [], fileCount: 0 },
    problems: [],
    hindrances: []
  })
})

t.test('changes of every kind are counted and named, with few processes', async t => {
  const root = await makeRepository(t, { files: { a: 'a\n'.repeat(20), b: 'b', c: 'c', '.gitignore': '.env\nnode_modules/\n' }, remote: true })
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { mine: 'committed' })
  commitAll(tree, 'mine')
  writeFileSync(join(root, 'upstream'), 'x')
  commitAll(root, 'upstream')
  runGit(tree, 'mv', 'a', 'renamed to')
  unlinkSync(join(tree, 'b'))
  await writeFiles(tree, { c: 'changed', 'new/one': '1', 'new/two': '2', '.env': 'S=1', 'node_modules/x/y': 'z' })
  let processes = 0
  const counted = <T>(started: Promise<T>) => {
    processes++
    return started
  }
  const counting: Git = Object.assign((...call: Parameters<Git>) => counted(git(...call)), { ...git, bytes: (...call: Parameters<Git>) => counted(git.bytes(...call)) })
  t.match(await inspectWorktree(counting, { path: tree, baseRef: 'main', branchName: 'work' }), {
    hasDirtyTrackedFiles: true,
    hasUntrackedFiles: true,
    dirtyEntryCount: 3,
    untrackedEntryCount: 2,
    aheadCount: 1,
    behindCount: 1,
    isMergedIntoBase: false,
    mergeEvidence: null,
    unpushedCount: 1,
    ignoredEntryCount: 2,
    ignoredEntries: ['.env'],
    rescue: { counts: { staged: 1, modified: 1, deleted: 1, untracked: 2, ignored: 1, conflicted: 0 }, fileCount: 6 },
    problems: []
  })
  t.equal(processes, 11, 'three side by side, and the search for a squash merge beside them, since both have gone on')
  runGit(tree, 'merge', '--quiet', '--strategy=ours', '--autostash', 'main')
  processes = 0
  t.match(await inspectWorktree(counting, { path: tree, baseRef: 'main', branchName: 'work' }), { behindCount: 0, isMergedIntoBase: false })
  t.equal(processes, 3)
})

t.test('the settings of a user who hides untracked files do not hide them here', async t => {
  const root = await makeRepository(t)
  runGit(root, 'config', 'status.showUntrackedFiles', 'no')
  writeFileSync(join(root, 'new'), 'new')
  t.match(await inspectWorktree(git, { path: root, baseRef: null, branchName: null }), { untrackedEntryCount: 1, ...unknown, branchDrift: false })
})

t.test('another branch or a detached HEAD is drift', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  runGit(tree, 'switch', '--quiet', '--create', 'elsewhere')
  t.match(await inspectWorktree(git, { path: tree, baseRef: null, branchName: 'work' }), { checkedOutBranch: 'elsewhere', branchDrift: true })
  runGit(tree, 'switch', '--quiet', '--detach')
  t.match(await inspectWorktree(git, { path: tree, baseRef: null, branchName: 'work' }), { checkedOutBranch: null, branchDrift: true })
})

t.test('commits of a detached HEAD that nothing else leads to are counted', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  const inspect = async () => (await inspectWorktree(git, { path: tree, baseRef: 'main', branchName: 'work' })).unreferencedCount
  t.equal(await inspect(), null, 'a branch leads to what is on it')
  runGit(tree, 'switch', '--quiet', '--detach')
  t.equal(await inspect(), 0)
  for (const name of ['one', 'two']) {
    writeFileSync(join(tree, name), name)
    commitAll(tree, name)
  }
  runGit(root, 'update-ref', 'refs/berth/rescue/x', runGit(tree, 'rev-parse', 'HEAD'))
  t.equal(await inspect(), 2, 'a snapshot of this service is no branch')
  runGit(root, 'tag', 'kept', runGit(tree, 'rev-parse', 'HEAD~1'))
  t.equal(await inspect(), 1)
})

t.test('repositories inside are named: one that is not ignored stands in the way, so does work in a submodule', async t => {
  const part = await makeRepository(t)
  const root = await makeRepository(t, { files: { '.gitignore': 'deps/\n' } })
  for (const inside of ['deps/theirs', 'mine']) {
    mkdirSync(join(root, inside), { recursive: true })
    runGit(join(root, inside), 'init', '--quiet')
  }
  const inspect = async () => await inspectWorktree(git, { path: root, baseRef: null, branchName: null })
  const found = await inspect()
  t.same(found.nestedRepositories, ['mine', 'deps/theirs'])
  t.match(found.hindrances, [/^mine\/ is a git repository of its own/])
  rmSync(join(root, 'mine'), { recursive: true })
  runGit(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part, 'part')
  commitAll(root, 'with a part')
  t.same((await inspect()).hindrances, [])
  writeFileSync(join(root, 'part', 'new'), 'new')
  t.match((await inspect()).hindrances, [/the submodule part has changes/])
})

t.test('a base that is unknown, looks like an option or is missing leaves merged unknown', async t => {
  const root = await makeRepository(t)
  for (const baseRef of ['gone', '--all', 'README.md']) {
    const found = await inspectWorktree(git, { path: root, baseRef, branchName: 'main' })
    t.match(found, { ...unknown, isReadable: true, problems: [/could not be compared/] }, baseRef)
  }
})

t.test('an unborn branch has no HEAD and is not merged', async t => {
  const root = await makeRepository(t, { unborn: true })
  t.match(await inspectWorktree(git, { path: root, baseRef: 'main', branchName: 'main' }), { headSha: null, checkedOutBranch: 'main', isReadable: true, ...unknown })
})

t.test('an operation in progress is named', async t => {
  const root = await makeRepository(t, { files: { a: '1' } })
  const tree = addTestWorktree(root, 'work')
  writeFileSync(join(tree, 'a'), '2')
  commitAll(tree, 'two')
  writeFileSync(join(root, 'a'), '3')
  commitAll(root, 'three')
  for (const [operation, ...args] of [['merge', 'merge', 'main'], ['rebase', 'rebase', 'main'], ['cherry-pick', 'cherry-pick', 'main']] as const) {
    t.throws(() => runGit(tree, ...args))
    t.match(await inspectWorktree(git, { path: tree, baseRef: 'main', branchName: 'work' }), { operationInProgress: operation, rescue: { counts: { conflicted: 1 } } })
    runGit(tree, operation, '--abort')
  }
  runGit(tree, 'bisect', 'start')
  t.match(await inspectWorktree(git, { path: tree, baseRef: 'main', branchName: 'work' }), { operationInProgress: 'bisect' })
})

t.test('submodules are noticed', async t => {
  const part = await makeRepository(t)
  const root = await makeRepository(t)
  runGit(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part, 'part')
  commitAll(root, 'with a part')
  t.match(await inspectWorktree(git, { path: root, baseRef: null, branchName: null }), { hasSubmodules: true, dirtyEntryCount: 0 })
})

t.test('from a folder inside, the whole checkout is looked at', async t => {
  const root = await makeRepository(t, { files: { 'packages/a/x': 'x', '.gitignore': '.env\n' } })
  await writeFiles(root, { top: 'new', '.env': 'S=1' })
  t.match(await inspectWorktree(git, { path: join(root, 'packages/a'), baseRef: null, branchName: null }), {
    repoRoot: root, untrackedEntryCount: 1, ignoredEntries: ['.env'], isReadable: true
  })
})

t.test('what is missing, no repository or broken is said and not readable', async t => {
  const folder = await temporaryFolder(t)
  const root = await makeRepository(t)
  const cut = addTestWorktree(root, 'cut')
  rmSync(runGit(cut, 'rev-parse', '--absolute-git-dir'), { recursive: true })
  const damaged = addTestWorktree(root, 'damaged')
  writeFileSync(runGit(damaged, 'rev-parse', '--path-format=absolute', '--git-path', 'index'), 'not an index')
  mkdirSync(join(folder, 'plain'))
  const nothing = { isReadable: false, rescue: null, ...unknown, headSha: null }
  t.match(await inspectWorktree(git, { path: join(folder, 'gone'), baseRef: 'main', branchName: 'x' }), { ...nothing, pathExists: false, problems: [/does not exist/] })
  t.match(await inspectWorktree(git, { path: join(folder, 'plain'), baseRef: 'main', branchName: 'x' }), { ...nothing, pathExists: true, problems: [/not a git repository/] })
  t.match(await inspectWorktree(git, { path: cut, baseRef: 'main', branchName: 'cut' }), { ...nothing, pathExists: true, problems: [String, String] })
  t.match(await inspectWorktree(git, { path: damaged, baseRef: 'main', branchName: 'damaged' }), { isReadable: false, rescue: null, isMergedIntoBase: null, problems: [/could not be read/] })
})
