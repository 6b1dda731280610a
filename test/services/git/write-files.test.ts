/** Files are put in place of what was there, and nothing that was not asked about goes. */
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { removeFiles, writeFilesOf } from '../../../services/git/write-files.ts'
import { gitTestEnv, makeRepository, storeBlob, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit({ env: gitTestEnv })

t.test('files, links and permissions, over files and links that were there', async t => {
  const root = await makeRepository(t)
  const outside = join(await temporaryFolder(t), 'outside')
  writeFileSync(outside, 'outside')
  const sha = storeBlob(root, 'content')
  await writeFiles(root, { 'was-file': 'x' })
  symlinkSync(outside, join(root, 'was-link'))
  await writeFilesOf(git, root, [
    { path: 'deep/new', mode: '100755', sha, permissions: null },
    { path: 'private', mode: '100644', sha, permissions: 0o600 },
    { path: 'was-file', mode: '120000', sha, permissions: null },
    { path: 'was-link', mode: '100644', sha, permissions: 0o444 }
  ])
  t.equal(readFileSync(join(root, 'deep/new'), 'utf8'), 'content')
  t.equal(lstatSync(join(root, 'deep/new')).mode & 0o100, 0o100)
  t.equal(lstatSync(join(root, 'private')).mode & 0o777, 0o600)
  t.equal(readlinkSync(join(root, 'was-file')), 'content')
  t.equal(lstatSync(join(root, 'was-link')).mode & 0o777, 0o444)
  t.equal(readFileSync(outside, 'utf8'), 'outside', 'a link is replaced, not written through')
})

t.test('a folder with something in it is not replaced', async t => {
  const root = await makeRepository(t)
  const sha = storeBlob(root, 'content')
  await writeFiles(root, { 'folder/mine': 'mine' })
  await rejectionOf(writeFilesOf(git, root, [{ path: 'folder', mode: '100644', sha, permissions: null }]))
  t.equal(readFileSync(join(root, 'folder/mine'), 'utf8'), 'mine')
})

t.test('removing takes emptied folders along, and only those', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { 'a/b/c': '1', 'a/keep': '2', 'x/y/z': '3' })
  mkdirSync(join(root, 'submodule'))
  await removeFiles(root, ['a/b/c', 'x/y/z', 'submodule', 'gone/already'])
  t.equal(existsSync(join(root, 'a/b')), false)
  t.equal(existsSync(join(root, 'a/keep')), true)
  t.equal(existsSync(join(root, 'x')), false)
  t.equal(existsSync(join(root, 'submodule')), false)
})
