/** Small questions about paths. */
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { exists, isDirectory, makeFolders, nearestExisting, realPathOf, removeEmptyFolders } from '../../../services/workspaces/local-paths.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

test('what is at a path', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'file'), '')
  await symlink('nowhere', join(folder, 'broken'))
  t.equal(await exists(join(folder, 'broken')), true)
  t.equal(await isDirectory(join(folder, 'broken')), false)
  t.equal(await isDirectory(join(folder, 'file')), false)
  t.equal(await exists(join(folder, 'file/below')), false)
  t.equal(await nearestExisting(join(folder, 'a/b/c')), folder)
  t.equal(await nearestExisting(join(folder, 'file/b')), join(folder, 'file'))
})

test('a path that does not exist yet is real as far as it exists', async t => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'real'))
  await symlink(join(folder, 'real'), join(folder, 'link'))
  t.equal(await realPathOf(join(folder, 'link/not/yet')), join(folder, 'real/not/yet'))
})

test('only empty folders are removed, up to the one that stays', async t => {
  const folder = await temporaryFolder(t)
  t.same(await makeFolders(join(folder, 'a/b/c')), ['a', 'a/b', 'a/b/c'].map(path => join(folder, path)))
  t.same(await makeFolders(join(folder, 'a')), [])
  await writeFile(join(folder, 'a/kept'), '')
  await removeEmptyFolders(join(folder, 'a/b/c'), folder)
  t.notOk(existsSync(join(folder, 'a/b')))
  t.ok(existsSync(join(folder, 'a/kept')))
  await mkdir(join(folder, 'x'))
  await removeEmptyFolders(join(folder, 'x'), join(folder, 'x'))
  t.ok(existsSync(join(folder, 'x')))
})
