/** Empty folders are noted with a snapshot and made again by a restore, in no other place. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toFsPath } from '../../../services/git/byte-path.ts'
import { findEmptyFolders, makeEmptyFolders } from '../../../services/git/empty-folders.ts'
import { createGit } from '../../../services/git/exec.ts'
import { attachSnapshot, restoreSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { readWorkingState } from '../../../services/git/working-state.ts'
import { removeWorktree } from '../../../services/git/worktrees.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
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
