/** The files of a snapshot: each with its status and size, and each to be had by itself. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { takeSnapshot } from '../../../services/git/rescue.ts'
import { findSnapshotFile, listSnapshotFiles, readBlobStream } from '../../../services/git/snapshot-files.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

async function rescued (t: Test, mess: (tree: string) => void | Promise<void>) {
  const root = await makeRepository(t, { files: { 'README.md': '# A test\n', kept: 'kept\n', gone: 'gone\n', '.gitignore': '.env\nbuild/\n' } })
  const tree = addTestWorktree(root, 'work')
  await mess(tree)
  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: randomUUID() })
  // Only the repository is needed from here on.
  rmSync(tree, { recursive: true })
  const contentOf = async (path: string, from: 'worktree' | 'index' = 'worktree') => {
    const entry = await findSnapshotFile(git, root, snapshot, path, from)
    return entry === null ? null : await text(readBlobStream(git, root, entry.sha))
  }
  return { root, snapshot, contentOf, list: async () => await listSnapshotFiles(git, root, snapshot) }
}

t.test('every file that was not committed is listed with its status, mode and size', async t => {
  const { list } = await rescued(t, async tree => {
    await writeFiles(tree, { 'README.md': 'staged\n', 'a/new': 'new\n', '.env': 'S=1\n', 'build/out': 'not kept\n' })
    runGit(tree, 'add', 'README.md')
    await writeFiles(tree, { 'README.md': 'changed again\n' })
    unlinkSync(join(tree, 'gone'))
    chmodSync(join(tree, 'kept'), 0o755)
    symlinkSync('a/new', join(tree, 'link'))
  })
  t.same(await list(), [
    { path: '.env', status: 'ignored', mode: '100644', sizeBytes: 4 },
    { path: 'README.md', status: 'staged', mode: '100644', sizeBytes: 7 },
    { path: 'README.md', status: 'modified', mode: '100644', sizeBytes: 14 },
    { path: 'a/new', status: 'untracked', mode: '100644', sizeBytes: 4 },
    { path: 'gone', status: 'deleted', mode: null, sizeBytes: null },
    { path: 'kept', status: 'modified', mode: '100755', sizeBytes: 5 },
    { path: 'link', status: 'untracked', mode: '120000', sizeBytes: 5 }
  ])
})

t.test('a clean worktree has nothing to list', async t => {
  const { list, contentOf } = await rescued(t, () => {})
  t.same(await list(), [])
  t.equal(await contentOf('kept'), 'kept\n', 'but its files can be had')
})

t.test('a file is given as it was on disk, or as it was staged', async t => {
  const { contentOf } = await rescued(t, async tree => {
    await writeFiles(tree, { 'README.md': 'staged\n', new: 'new\n', '.env': 'S=1\n' })
    runGit(tree, 'add', 'README.md')
    await writeFiles(tree, { 'README.md': 'changed again\n' })
    unlinkSync(join(tree, 'gone'))
  })
  t.equal(await contentOf('README.md'), 'changed again\n')
  t.equal(await contentOf('README.md', 'index'), 'staged\n')
  t.equal(await contentOf('.env'), 'S=1\n')
  t.equal(await contentOf('new'), 'new\n')
  t.equal(await contentOf('new', 'index'), null, 'it was not staged')
  t.equal(await contentOf('gone'), null)
  t.equal(await contentOf('gone', 'index'), 'gone\n')
  t.equal(await contentOf('../README.md'), null, 'paths are names in a tree, nothing else')
})

t.test('names that git would quote are found as they are listed', async t => {
  const odd = 'two words\n"and" a line ☃'
  const { list, contentOf } = await rescued(t, async tree => {
    await writeFiles(tree, { [odd]: 'odd\n', '-n': 'dash\n', ':(top)x': 'magic\n' })
    runGit(tree, 'add', '--', odd)
  })
  t.same((await list()).map(({ path, status }) => [path, status]), [['-n', 'untracked'], [':(top)x', 'untracked'], [odd, 'staged']])
  t.equal(await contentOf(odd), 'odd\n')
  t.equal(await contentOf(':(top)x'), 'magic\n')
})

t.test('files beyond the list of the manifest are there too', async t => {
  const files = Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`many/${String(at).padStart(4, '0')}`, `${at}\n`]))
  const { list, snapshot } = await rescued(t, async tree => await writeFiles(tree, { ...files, '.env': 'S=1\n' }))
  t.ok(snapshot.files.length < 700)
  const listed = await list()
  t.equal(listed.length, 701)
  t.same(listed.filter(({ status }) => status === 'ignored').map(({ path }) => path), ['.env'])
})

t.test('a conflicted file is listed once, as what it is', async t => {
  const { list } = await rescued(t, async tree => {
    await writeFiles(tree, { kept: 'ours\n' })
    runGit(tree, 'commit', '--quiet', '--all', '--message', 'Ours')
    runGit(tree, 'checkout', '--quiet', '-b', 'theirs', 'HEAD~1')
    await writeFiles(tree, { kept: 'theirs\n' })
    runGit(tree, 'commit', '--quiet', '--all', '--message', 'Theirs')
    runGit(tree, 'checkout', '--quiet', 'work')
    t.throws(() => runGit(tree, 'merge', '--quiet', 'theirs'), 'it conflicts')
  })
  const conflicted = (await list()).filter(({ path }) => path === 'kept')
  t.match(conflicted, [{ status: 'conflicted', mode: '100644' }])
})

t.test('a large file comes at the reader\'s pace, and leaving it ends the reading', async t => {
  const size = 8 * 1024 * 1024
  const { root, snapshot } = await rescued(t, async tree => await writeFiles(tree, { large: 'x'.repeat(size) }))
  const entry = await findSnapshotFile(git, root, snapshot, 'large', 'worktree')
  if (entry === null) throw new Error('the file is not there')
  t.equal((await buffer(readBlobStream(git, root, entry.sha))).length, size)
  const left = readBlobStream(git, root, entry.sha)
  await once(left, 'readable')
  left.destroy()
  await once(left, 'close')
  t.ok(left.readableLength < size, 'git waits for the reader')
})
