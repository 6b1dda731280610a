/** When a snapshot can't be whole it fails, and what is in it is found, told from the present and dropped. */
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createGit, type Git } from '../../../services/git/exec.ts'
import { describeSnapshot, dropSnapshot, hasSnapshot, readSnapshot, sameAsSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, statusOf, writeFiles, type Files } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

async function makeDirty (t: Test, files: Files = { 'README.md': '# A test\n', '.gitignore': '.env\nbuild/\n' }) {
  const root = await makeRepository(t, { files })
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { 'README.md': 'changed\n', new: 'new\n', '.env': 'S=1\n' })
  const workspaceId = randomUUID()
  const take = () => takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId })
  return { root, tree, workspaceId, take }
}

t.test('a snapshot says what it holds and can be read with plain git', async t => {
  const { root, workspaceId, take } = await makeDirty(t)
  const snapshot = await take()
  t.match(snapshot, {
    workspaceId,
    ref: `refs/berth/rescue/${workspaceId}`,
    headSha: runGit(root, 'rev-parse', 'work'),
    branch: 'work',
    counts: { staged: 0, modified: 1, deleted: 0, untracked: 1, ignored: 1, conflicted: 0 },
    files: [{ path: 'README.md', status: 'modified' }, { path: 'new', status: 'untracked' }, { path: '.env', status: 'ignored' }],
    fileCount: 3,
    warnings: []
  })
  t.equal(runGit(root, 'show', `${snapshot.ref}:README.md`), 'changed')
  t.equal(runGit(root, 'show', `${snapshot.untrackedCommit}:.env`), 'S=1')
  t.equal(runGit(root, 'log', '--max-count=1', '--format=%an <%ae> %cn', snapshot.ref), 'Berth <berth@localhost> Berth')
  t.equal(runGit(root, 'for-each-ref', '--format=%(objectname)', `refs/berth/rescue/${workspaceId}`), snapshot.worktreeCommit)
  t.equal(runGit(root, 'fsck', '--no-dangling', '--strict'), '')
})

t.test('git alone can bring a snapshot back, without this service', async t => {
  const { root, tree, take } = await makeDirty(t)
  runGit(tree, 'add', 'new')
  const before = statusOf(tree)
  const snapshot = await take()
  rmSync(tree, { recursive: true })
  runGit(root, 'worktree', 'prune')
  runGit(root, 'worktree', 'add', '--quiet', tree, 'work')
  runGit(tree, 'stash', 'apply', '--quiet', '--index', snapshot.ref)
  t.equal(statusOf(tree), before)
  t.equal(readFileSync(join(tree, '.env'), 'utf8'), 'S=1\n')
})

t.test('it is found, read back from the repository alone, and dropped', async t => {
  const { root, workspaceId, take } = await makeDirty(t)
  const place = { repoRoot: root, workspaceId }
  t.equal(await hasSnapshot(git, place), false)
  t.equal(await readSnapshot(git, place), null)
  const snapshot = await take()
  t.equal(await hasSnapshot(git, place), true)
  t.same(await readSnapshot(git, place), snapshot)
  t.equal(await dropSnapshot(git, place), true)
  t.equal(await dropSnapshot(git, place), false)
  t.equal(await hasSnapshot(git, place), false)
})

t.test('a second snapshot keeps the first one reachable', async t => {
  const { root, tree, take } = await makeDirty(t)
  const first = await take()
  writeFileSync(join(tree, 'README.md'), 'changed again\n')
  const second = await take()
  runGit(root, 'reflog', 'expire', '--expire=now', '--all')
  runGit(root, 'gc', '--quiet', '--prune=now')
  t.equal(runGit(root, 'show', `${first.worktreeCommit}:README.md`), 'changed')
  t.equal(runGit(root, 'show', `${second.ref}:README.md`), 'changed again')
})

t.test('commits that only the log of a worktree names outlive it', async t => {
  const { root, tree, take } = await makeDirty(t)
  const lost: string[] = []
  for (const undo of ['reset', 'amend', 'checkout']) {
    lost.push(commitAll(tree, `to be undone by ${undo}`))
    if (undo === 'reset') runGit(tree, 'reset', '--quiet', '--hard', 'HEAD~')
    else if (undo === 'amend') runGit(tree, 'commit', '--quiet', '--amend', '--message', 'amended')
    else runGit(tree, 'checkout', '--quiet', '--detach', 'main')
    if (undo === 'checkout') runGit(root, 'branch', '--delete', '--force', 'work')
    writeFileSync(join(tree, undo), undo)
  }
  const { ref } = await take()
  runGit(root, 'worktree', 'remove', '--force', tree)
  runGit(root, 'reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all')
  runGit(root, 'gc', '--quiet', '--prune=now')
  const reachable = runGit(root, 'rev-list', ref).split('\n')
  t.same(lost.filter(sha => !reachable.includes(sha)), [])
})

t.test('a log that names what git has dropped is no obstacle', async t => {
  const { tree, take } = await makeDirty(t)
  const log = runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'logs/HEAD')
  appendFileSync(log, `${'1'.repeat(40)} ${runGit(tree, 'rev-parse', 'HEAD')} A <a@example.invalid> 1700000000 +0000\treset: moving\n`)
  t.same((await take()).warnings, [])
})

t.test('every kind of later change is noticed', async t => {
  const changes: Record<string, (tree: string) => void> = {
    'a tracked file': tree => writeFileSync(join(tree, 'README.md'), 'CHANGED\n'),
    'an untracked file': tree => writeFileSync(join(tree, 'new'), 'NEW\n'),
    'one more untracked file': tree => writeFileSync(join(tree, 'more'), ''),
    'an untracked file that goes': tree => unlinkSync(join(tree, 'more')),
    'a kept ignored file': tree => writeFileSync(join(tree, '.env'), 'S=2\n'),
    'the mode of a file': tree => chmodSync(join(tree, 'new'), 0o755),
    'a file that becomes a link': tree => {
      unlinkSync(join(tree, 'new'))
      symlinkSync('README.md', join(tree, 'new'))
    },
    'the index': tree => { runGit(tree, 'add', 'new') },
    'a commit': tree => { commitAll(tree, 'more') },
    'a commit that is taken back at once': tree => {
      runGit(tree, 'commit', '--quiet', '--allow-empty', '--message', 'taken back')
      runGit(tree, 'reset', '--quiet', '--soft', 'HEAD~')
    },
    'the branch': tree => { runGit(tree, 'switch', '--quiet', '--create', 'other') }
  }
  const { tree, take } = await makeDirty(t)
  for (const [title, change] of Object.entries(changes)) {
    const snapshot = await take()
    t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true, `nothing, before: ${title}`)
    change(tree)
    t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), false, title)
  }
})

t.test('what git merely noted about files is no change', async t => {
  const { tree, take } = await makeDirty(t)
  const snapshot = await take()
  // A person's status refreshes the index on disk.
  runGit(tree, 'update-index', '--force-write-index', '-q', '--refresh', '--index-version', '4')
  mkdirSync(join(tree, 'build'))
  writeFileSync(join(tree, 'build', 'out'), 'ignored')
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true)
})

t.test('it fails, and leaves no ref, for what it can not hold', async t => {
  const cases: Record<string, [prepare: (tree: string, root: string) => void, detail: RegExp]> = {
    'a repository inside': [tree => { runGit(tree, 'init', '--quiet', 'inner') }, /inner\/ is a git repository/],
    'a name that git never stores': [tree => {
      mkdirSync(join(tree, '.GIT'))
      writeFileSync(join(tree, '.GIT', 'x'), 'x')
    }, /\.GIT\/x can not be stored/],
    'another worktree inside': [(tree, root) => { runGit(root, 'worktree', 'add', '--quiet', join(tree, 'build', 'other')) }, /another worktree/],
    'a damaged index': [tree => writeFileSync(runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'index'), 'damaged'), /index/],
    'a folder that is no worktree': [tree => unlinkSync(join(tree, '.git')), /not a git repository/]
  }
  for (const [title, [prepare, detail]] of Object.entries(cases)) {
    const { root, tree, workspaceId, take } = await makeDirty(t)
    prepare(tree, root)
    t.match(await rejectionOf(take()), { code: 'rescue_failed', detail }, title)
    t.equal(await hasSnapshot(git, { repoRoot: root, workspaceId }), false)
    t.equal(readFileSync(join(tree, 'README.md'), 'utf8'), 'changed\n')
  }
})

t.test('a folder inside another repository is not taken for a worktree of that', async t => {
  const root = await makeRepository(t, { files: { 'sub/x': 'x' } })
  t.match(await rejectionOf(takeSnapshot(git, { repoRoot: root, worktreePath: join(root, 'sub'), workspaceId: 'w' })), { code: 'rescue_failed', detail: /not the top/ })
})

t.test('the own commits of a submodule are kept, its changes make it fail, one without is only mentioned', async t => {
  const part = await makeRepository(t)
  const root = await makeRepository(t)
  runGit(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part, 'part')
  commitAll(root, 'with a part')
  const tree = addTestWorktree(root, 'work')
  const take = () => takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })
  t.same((await take()).warnings, [], 'not checked out: nothing to lose')
  runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init')
  t.match((await take()).warnings, [/part comes back without its files/])
  writeFileSync(join(tree, 'part', 'new'), 'new')
  t.match(await rejectionOf(take()), { code: 'rescue_failed', detail: /part has changes/ })
  runGit(join(tree, 'part'), 'add', '--all')
  runGit(join(tree, 'part'), 'commit', '--quiet', '--message', 'only here')
  runGit(tree, 'add', 'part')
  const tip = runGit(join(tree, 'part'), 'rev-parse', 'HEAD')
  const snapshot = await take()
  t.match(snapshot.warnings, [/part comes back without its files/, new RegExp(`own commits of the submodule part are kept.*${tip}`)])
  t.equal(runGit(root, 'log', '--max-count=1', '--format=%s', tip), 'only here')
  t.match(runGit(root, 'rev-list', snapshot.ref), tip, 'the ref of the snapshot reaches them')
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true)
  runGit(join(tree, 'part'), 'commit', '--quiet', '--allow-empty', '--message', 'and one more')
  runGit(tree, 'add', 'part')
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), false)
})

t.test('what can not be read makes it fail', { skip: process.getuid?.() === 0 && 'root can read everything' }, async t => {
  for (const name of ['folder', 'README.md', '.env']) {
    const { tree, take } = await makeDirty(t)
    if (name === 'folder') {
      mkdirSync(join(tree, name))
      writeFileSync(join(tree, name, 'x'), 'x')
    }
    chmodSync(join(tree, name), 0)
    t.match(await rejectionOf(take()), { code: 'rescue_failed' }, name)
    chmodSync(join(tree, name), 0o755)
  }
})

/** git that lets `meddle` act before each call whose first argument is `command`. */
function meddling (command: string, meddle: () => void): Git {
  const call = <T>(args: readonly string[], run: () => Promise<T>) => {
    if (args[0] === command) meddle()
    return run()
  }
  return Object.assign((...given: Parameters<Git>) => call(given[0], () => git(...given)), { ...git, bytes: (...given: Parameters<Git>) => call(given[0], () => git.bytes(...given)) })
}

t.test('a file that changes once while the snapshot is taken is in it as it was last', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  let times = 0
  const busy = meddling('unpack-objects', () => { if (times++ === 0) writeFileSync(join(tree, 'new'), 'newer\n') })
  const snapshot = await takeSnapshot(busy, { repoRoot: root, worktreePath: tree, workspaceId })
  t.equal(runGit(root, 'show', `${snapshot.untrackedCommit}:new`), 'newer')
})

t.test('a file that goes while the snapshot is taken is looked at again', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  let times = 0
  const busy = meddling('unpack-objects', () => { if (times++ === 0) unlinkSync(join(tree, 'new')) })
  const snapshot = await takeSnapshot(busy, { repoRoot: root, worktreePath: tree, workspaceId })
  t.equal(snapshot.counts.untracked, 0)
})

t.test('a worktree that keeps changing gets no snapshot', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  let n = 0
  const busy = meddling('rev-list', () => writeFileSync(join(tree, 'new'), `${n++}\n`))
  t.match(await rejectionOf(takeSnapshot(busy, { repoRoot: root, worktreePath: tree, workspaceId })), { code: 'rescue_failed', detail: /keeps changing/ })
  t.equal(await hasSnapshot(git, { repoRoot: root, workspaceId }), false)
})

t.test('an object that was there before, but is damaged, is not relied on', async t => {
  const { root, tree, workspaceId, take } = await makeDirty(t)
  const id = runGit(tree, 'hash-object', '-w', 'new')
  const object = join(root, '.git/objects', id.slice(0, 2), id.slice(2))
  chmodSync(object, 0o644)
  truncateSync(object, 8)
  t.match(await rejectionOf(take()), { code: 'rescue_failed' })
  t.equal(await hasSnapshot(git, { repoRoot: root, workspaceId }), false)
})

t.test('a ref that can not be written makes it fail', async t => {
  const { root, workspaceId, take } = await makeDirty(t)
  runGit(root, 'update-ref', 'refs/berth', 'HEAD')
  t.match(await rejectionOf(take()), { code: 'rescue_failed' })
  t.equal(await hasSnapshot(git, { repoRoot: root, workspaceId }), false)
})

t.test('hooks, signing and a missing identity do not matter', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  const ran = join(dirname(root), 'ran')
  for (const hook of ['pre-commit', 'commit-msg', 'reference-transaction', 'post-index-change']) {
    writeFileSync(join(root, '.git/hooks', hook), `#!/bin/sh\ntouch ${ran}\nexit 1\n`)
    chmodSync(join(root, '.git/hooks', hook), 0o755)
  }
  runGit(root, 'config', 'commit.gpgSign', 'true')
  runGit(root, 'config', 'gpg.program', '/bin/false')
  runGit(root, 'config', '--unset', 'user.name')
  runGit(root, 'config', '--unset', 'user.email')
  runGit(root, 'config', 'user.useConfigOnly', 'true')
  const bare = createGit({ env: { PATH: gitTestEnv.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' } })
  await takeSnapshot(bare, { repoRoot: root, worktreePath: tree, workspaceId })
  t.equal(existsSync(ran), false)
})

t.test('other globs choose other ignored files; large ones and other kinds are left out, and that is said', async t => {
  const { root, tree } = await makeDirty(t)
  await writeFiles(tree, { 'build/local.json': '{}', 'build/deep/x.key': 'k', 'build/big.key': Buffer.alloc(1024 * 1024 + 1) })
  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w', rescueIgnored: ['build/*.json', '*.key'] })
  t.same(snapshot.files.filter(file => file.status === 'ignored').map(file => file.path), ['build/deep/x.key', 'build/local.json'])
  t.match(snapshot.warnings, [/build\/big\.key is too large/])
})

t.test('describing writes nothing and counts the same', async t => {
  const { root, tree, take } = await makeDirty(t)
  const count = () => readdirSync(join(root, '.git/objects'), { recursive: true }).length
  const before = count()
  const description = await describeSnapshot(git, { worktreePath: tree })
  t.equal(count(), before)
  const { counts, files, fileCount } = await take()
  t.same(description, { counts, files, fileCount })
  t.match(await rejectionOf(describeSnapshot(git, { worktreePath: join(tree, 'gone') })), { code: 'rescue_failed' })
})

t.test('the worktree can be renamed aside and compared there', async t => {
  const { tree, take } = await makeDirty(t)
  const snapshot = await take()
  renameSync(tree, `${tree}.aside`)
  t.equal(await sameAsSnapshot(git, { worktreePath: `${tree}.aside`, snapshot }), true)
  writeFileSync(join(`${tree}.aside`, 'new'), 'later\n')
  t.equal(await sameAsSnapshot(git, { worktreePath: `${tree}.aside`, snapshot }), false)
})

/** Git that counts its looks at the worktree. */
function countingGit () {
  const looks = { count: 0 }
  const bytes: Git['bytes'] = async (args, options) => {
    if (args[0] === 'status') looks.count += 1
    return await git.bytes(args, options)
  }
  return { looks, counting: Object.assign(async (...given: Parameters<Git>) => await git(...given), { bytes, files: git.files, user: git.user }) }
}

t.test('it is looked at twice, but once where all is as committed; a change after that is told from the snapshot', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  const { looks, counting } = countingGit()
  const take = () => takeSnapshot(counting, { repoRoot: root, worktreePath: tree, workspaceId })
  await take()
  t.equal(looks.count, 2)
  commitAll(tree, 'all')
  await take()
  t.equal(looks.count, 4, 'a chosen ignored file is content too')
  unlinkSync(join(tree, '.env'))
  const clean = await take()
  t.equal(looks.count, 5)
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot: clean }), true)
  appendFileSync(join(tree, 'new'), 'more\n')
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot: clean }), false)
})

t.test('a checkout that a setting leads elsewhere is not taken for what is in the folder', async t => {
  const { root, tree, workspaceId } = await makeDirty(t)
  runGit(root, 'config', 'core.worktree', tree)
  const failure = await rejectionOf(takeSnapshot(git, { repoRoot: root, worktreePath: root, workspaceId }))
  t.match(failure, { code: 'rescue_failed', message: new RegExp(`is not the top of a checkout \\(that is ${tree}`) })
})
