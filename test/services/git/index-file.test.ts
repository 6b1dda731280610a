/** The index is read as git wrote it; damage is an error. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { parseIndex, parsePlainIndex } from '../../../services/git/index-file.ts'
import { gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'

t.test('entries, flags and long names are those that git lists', async t => {
  const long = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(200)}`
  const names = ['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff', 'ggggggg', 'hhhhhhhh', 'ü', long]
  const root = await makeRepository(t, { files: { ...Object.fromEntries(names.map(name => [name, name])), run: { content: 'x', mode: 0o755 }, link: { link: 'a' } } })
  runGit(root, 'update-index', '--assume-unchanged', 'a')
  runGit(root, 'update-index', '--skip-worktree', 'bb')
  await writeFiles(root, { announced: 'x' })
  runGit(root, 'add', '--intent-to-add', 'announced')
  const { entries } = parseIndex(readFileSync(join(root, '.git/index')), 'sha1')
  const listed = execFileSync('git', ['ls-files', '--stage', '-z'], { cwd: root, env: gitTestEnv, encoding: 'latin1' })
  t.equal(entries.map(entry => `${entry.mode} ${entry.sha} ${entry.stage}\t${entry.path}\0`).join(''), listed)
  t.same(entries.filter(entry => entry.assumeUnchanged).map(entry => entry.path), ['a'])
  t.same(entries.filter(entry => entry.skipWorktree).map(entry => entry.path), ['bb'])
  t.same(entries.filter(entry => entry.intentToAdd).map(entry => entry.path), ['announced'])
})

t.test('what git notes about files changes neither the digest nor, but for sizes, the bytes', async t => {
  const root = await makeRepository(t)
  const read = () => parseIndex(readFileSync(join(root, '.git/index')), 'sha1')
  const before = read()
  await writeFiles(root, { 'README.md': '# A test\n' })
  runGit(root, 'update-index', '--refresh')
  t.same(read().bytes, before.bytes)
  t.equal(read().digest, before.digest)
  await writeFiles(root, { 'README.md': 'other\n' })
  runGit(root, 'add', 'README.md')
  t.not(read().digest, before.digest)
})

t.test('git accepts the portable bytes as an index', async t => {
  const root = await makeRepository(t)
  const { bytes } = parseIndex(readFileSync(join(root, '.git/index')), 'sha1')
  await writeFiles(root, { 'portable-index': bytes })
  t.equal(execFileSync('git', ['ls-files'], { cwd: root, env: { ...gitTestEnv, GIT_INDEX_FILE: join(root, 'portable-index') }, encoding: 'utf8' }), 'README.md\n')
})

t.test('a plain index needs no git, and means the same once git has written it anew', async t => {
  const root = await makeRepository(t, { files: { a: 'a\n', 'deep/b': 'b\n', 'deep/c': 'c\n' } })
  const file = () => readFileSync(join(root, '.git/index'))
  runGit(root, 'update-index', '--skip-worktree', 'a')
  runGit(root, 'update-index', '--untracked-cache')
  const plain = parsePlainIndex(file(), 'sha1')
  t.equal(plain?.entries.length, 3)
  runGit(root, 'update-index', '--force-write-index')
  t.same(parseIndex(file(), 'sha1'), plain)
  const damaged = Buffer.from(file())
  damaged[30] = (damaged[30] ?? 0) ^ 1
  t.equal(parsePlainIndex(damaged, 'sha1'), null, 'damaged')
  t.equal(parsePlainIndex(Buffer.alloc(10), 'sha1'), null, 'too short')
  runGit(root, 'update-index', '--index-version', '4')
  t.equal(parsePlainIndex(file(), 'sha1'), null, 'version 4')
  runGit(root, 'update-index', '--index-version', '2')
  runGit(root, 'update-index', '--split-index')
  t.equal(parsePlainIndex(file(), 'sha1'), null, 'split')
  runGit(root, 'update-index', '--no-split-index')
  runGit(root, 'update-index', '--no-skip-worktree', 'a')
  t.ok(parsePlainIndex(file(), 'sha1'))
  runGit(root, 'sparse-checkout', 'set', '--cone', '--sparse-index', 'other')
  t.equal(parsePlainIndex(file(), 'sha1'), null, 'sparse')
})

t.test('anything else is an error', async t => {
  const root = await makeRepository(t)
  const file = readFileSync(join(root, '.git/index'))
  t.throws(() => parseIndex(Buffer.alloc(0), 'sha1'), /not of a form/)
  t.throws(() => parseIndex(Buffer.from('x'.repeat(100)), 'sha1'), /not of a form/)
  t.throws(() => parseIndex(file.subarray(0, 60), 'sha1'))
  const lying = Buffer.from(file)
  lying.writeUInt32BE(1_000_000, 8)
  t.throws(() => parseIndex(lying, 'sha1'))
})
