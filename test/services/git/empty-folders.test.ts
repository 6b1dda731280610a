/** Empty folders are noted with a snapshot and made again by a restore, in no other place. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toFsPath } from '../../../services/git/byte-path.ts'
import { findEmptyFolders, makeEmptyFolders, setFolderPermissions } from '../../../services/git/empty-folders.ts'
import { createGit } from '../../../services/git/exec.ts'
import { attachSnapshot, restoreSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { readWorkingState } from '../../../services/git/working-state.ts'
import { removeWorktree } from '../../../services/git/worktrees.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit({ env: gitTestEnv })
const nothing = { status: [], index: null }

t.test('through a snapshot and back, without those of ignored folders and submodules', async t => {
  const part = await makeRepository(t, { files: { x: 'x' } })
  const root = await makeRepository(t, { files: { '.gitignore': 'build/\n', 'src/x': 'x' } })
  runGit(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part, 'part')
  runGit(root, 'commit', '--quiet', '--message', 'with a part')
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { 'new/x': 'x', 'build/out': 'out' })
  const latin1 = 'caf\xe9'
  for (const path of ['src/empty', 'new/deep/empty', 'build/empty', latin1]) mkdirSync(toFsPath(tree, path), { recursive: true })
  symlinkSync('new', join(tree, 'link'))
  const state = await readWorkingState(git, { worktreePath: tree, rescueIgnored: [] })
  t.same((await findEmptyFolders(tree, state)).paths, [latin1, 'new/deep/empty', 'src/empty'])
  const input = { repoRoot: root, worktreePath: tree, snapshot: await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' }) }
  rmSync(tree, { recursive: true })
  await removeWorktree(git, { repoRoot: root, path: tree })
  await attachSnapshot(git, input)
  t.same((await restoreSnapshot(git, input)).warnings, [])
  t.same(await findEmptyFolders(tree, nothing), { paths: [latin1, 'new/deep/empty', 'part', 'src/empty'], warnings: [] })
  t.equal(existsSync(join(tree, 'build')), false)
})

t.test('too many are cut, and that is said; a folder that has gone is passed over', async t => {
  const root = await temporaryFolder(t)
  for (let at = 0; at < 1003; at++) mkdirSync(join(root, `d${at}`))
  const { paths, warnings } = await findEmptyFolders(root, nothing)
  t.equal(paths.length, 1000)
  t.match(warnings, [/^3 of 1003 empty folders/])
  t.same(await findEmptyFolders(join(root, 'gone'), nothing), { paths: [], warnings: [] })
})

t.test('nothing is made beyond a link or a file that stands there by now, and that is said', async t => {
  const root = await temporaryFolder(t)
  const outside = await temporaryFolder(t)
  symlinkSync(outside, join(root, 'link'))
  await writeFiles(root, { file: 'x' })
  t.same(await makeEmptyFolders(root, ['link/x', 'file', 'a/b', 'a/c']), ['The empty folder link/x could not be made again', 'The empty folder file could not be made again'])
  t.same(readdirSync(outside), [])
  t.same(readdirSync(join(root, 'a')), ['b', 'c'])
})

t.test('folders of untracked files and empty ones get their permissions back', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { 'private/deep/key': 'k', 'shut/x': 'x' })
  mkdirSync(join(tree, 'hollow'))
  const modes: [string, number][] = [['private/deep', 0o710], ['private', 0o700], ['shut', 0o555], ['hollow', 0o1777]]
  for (const [path, mode] of modes) chmodSync(join(tree, path), mode)
  const input = { repoRoot: root, worktreePath: tree, snapshot: await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' }) }
  // Only root can take files out of a folder that is shut.
  const open = () => chmodSync(join(tree, 'shut'), 0o755)
  open()
  rmSync(tree, { recursive: true })
  await removeWorktree(git, { repoRoot: root, path: tree })
  await attachSnapshot(git, input)
  t.teardown(open)
  t.same((await restoreSnapshot(git, input)).warnings, [])
  t.same(modes.map(([path]) => [path, statSync(join(tree, path)).mode & 0o7777]), modes)
})

t.test('a folder that can not be given its permissions is told; a link or a file in its place is left alone', async t => {
  const root = await temporaryFolder(t)
  const outside = await temporaryFolder(t)
  symlinkSync(outside, join(root, 'link'))
  await writeFiles(root, { 'folder/x': 'x' })
  const chmod = async () => { throw new Error('not permitted') }
  t.same(await setFolderPermissions(root, { 'link/': 0o777, 'gone/': 0o700, 'folder/': 0o700, 'folder/x': 0o600 }, { chmod }), ['The folder folder/ could not be given its permissions'])
})

t.test('what git passes over beside them is told, or refused where it is a repository', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  await writeFiles(tree, { 'copied/file': 'x', 'copied/.git': 'gitdir: ../nowhere\n' })
  execFileSync('mkfifo', Array.from({ length: 22 }, (_, at) => join(tree, 'copied', `pipe-${at}`)))
  const { warnings } = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })
  t.equal(warnings.length, 21)
  t.same([warnings[0], warnings[1], warnings[20]], ['copied/.git is not kept: it only names a repository that is not there', 'copied/pipe-0 is a pipe, which is not kept', '3 more sockets, pipes or devices are not kept'])

  await writeFiles(tree, { 'damaged/file': 'x', 'damaged/.git/HEAD': '' })
  t.equal(runGit(tree, 'status', '--porcelain', 'damaged'), '?? damaged/', 'git takes it for a folder like any other')
  t.match(await rejectionOf(takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })), { code: 'rescue_failed', detail: /damaged\/\.git is a repository's own folder, which a snapshot can not hold/ })
})
