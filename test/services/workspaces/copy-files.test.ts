/** Copied files: what matches, never over what is there, never out of the worktree. */
import { chmod, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { writeFiles } from '../../fixtures/git.ts'
import { copyFiles, matchingFiles } from '../../../services/workspaces/copy-files.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

test('files are copied with their folders and modes; a folder stands for all in it', async t => {
  const [from, to] = [await temporaryFolder(t), await temporaryFolder(t)]
  await writeFiles(from, { '.env': 'A=1', 'packages/a/.env.local': 'B=2', '.vscode/settings.json': '{}', '.vscode/.hidden/x': '1', 'tool.sh': '' })
  await chmod(join(from, 'tool.sh'), 0o755)
  const { copied, skipped } = await copyFiles({ from, to, globs: ['.env', '**/.env.local', '.vscode', 'tool.*', 'missing'] })
  t.same(copied, ['.env', '.vscode/.hidden/x', '.vscode/settings.json', 'packages/a/.env.local', 'tool.sh'])
  t.same(skipped, [])
  t.equal(await readFile(join(to, 'packages/a/.env.local'), 'utf8'), 'B=2')
  t.equal((await stat(join(to, 'tool.sh'))).mode & 0o777, 0o755)
})

test('nothing that is there is overwritten, not even a link to nothing', async t => {
  const [from, to] = [await temporaryFolder(t), await temporaryFolder(t)]
  await writeFiles(from, { '.env': 'theirs', 'x.env': '1' })
  await writeFiles(to, { '.env': 'mine' })
  await symlink('/nowhere/at/all', join(to, 'x.env'))
  t.match(await copyFiles({ from, to, globs: ['.env', 'x.env'] }), { copied: [], skipped: [{ path: '.env', reason: 'is there already' }, { path: 'x.env' }] })
  t.equal(await readFile(join(to, '.env'), 'utf8'), 'mine')
})

test('a symlink in the branch leads no copy out of the worktree', async t => {
  const [from, to, outside] = [await temporaryFolder(t), await temporaryFolder(t), await temporaryFolder(t)]
  await writeFiles(from, { 'settings/.env': 'secret' })
  await symlink(outside, join(to, 'settings'))
  t.match(await copyFiles({ from, to, globs: ['settings/.env'] }), { copied: [], skipped: [{ path: 'settings/.env', reason: 'would lie outside the worktree' }] })
  await t.rejects(readFile(join(outside, '.env')), { code: 'ENOENT' })
})

test('a link is copied as what it leads to; one that leads nowhere is told', async t => {
  const [from, to, elsewhere] = [await temporaryFolder(t), await temporaryFolder(t), await temporaryFolder(t)]
  await writeFiles(elsewhere, { 'real.env': 'x' })
  await symlink(join(elsewhere, 'real.env'), join(from, '.env'))
  await symlink('nowhere', join(from, '.env.broken'))
  t.match(await copyFiles({ from, to, globs: ['.env*'] }), { copied: ['.env'], skipped: [{ path: '.env.broken', reason: 'is a link to nothing' }] })
  t.equal(await readFile(join(to, '.env'), 'utf8'), 'x')
})

test('git\'s own folder, other worktrees and dependencies are left out', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { '.git/.env': '1', 'node_modules/a/.env': '2', '.trees/x/.git': 'gitdir: y', '.trees/x/.env': '3', 'a/.env': '4' })
  await mkdir(join(root, 'empty'))
  t.same(await matchingFiles(root, ['**/.env', '.git/.env', '.trees']), ['a/.env'])
  t.same(await matchingFiles(root, ['node_modules/*/.env']), ['node_modules/a/.env'], 'unless they are asked for')
})

test('globs that lead out of the repository are refused', async t => {
  const root = await temporaryFolder(t)
  for (const glob of ['/etc/passwd', '../x', 'a/../../x']) await t.rejects(matchingFiles(root, [glob]), { code: 'unprocessable' })
})
