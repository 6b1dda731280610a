/** Where a project workspace may lie. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkProjectPath, isWithin } from '../../../services/directory/paths.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

async function tree (t: Test) {
  const root = await temporaryFolder(t)
  const [allowed, outside, dataDir] = ['allowed', 'outside', 'data'].map(name => join(root, name)) as [string, string, string]
  for (const folder of [join(allowed, 'project'), outside, join(dataDir, 'worktrees')]) await mkdir(folder, { recursive: true })
  await mkdir(join(root, 'allowed-not'))
  await writeFile(join(allowed, 'file'), '')
  await symlink(outside, join(allowed, 'way-out'))
  await symlink(join(allowed, 'project'), join(outside, 'way-in'))
  await symlink('loop', join(root, 'loop'))
  return { root, allowed, outside, dataDir }
}

t.test('a folder inside an allowed root is taken, by its real path', async t => {
  const { allowed, outside, dataDir } = await tree(t)
  const rules = { allowedRoots: [allowed], dataDir }
  t.equal(await checkProjectPath(allowed, rules), allowed)
  t.equal(await checkProjectPath(`${allowed}/project/`, rules), join(allowed, 'project'))
  t.equal(await checkProjectPath(`${outside}/way-in`, rules), join(allowed, 'project'), 'where a link really leads is what counts')
})

t.test('anything else is refused with the place and the reason', async t => {
  const { root, allowed, outside, dataDir } = await tree(t)
  const rules = { allowedRoots: [allowed], dataDir }
  const cases: [string, RegExp][] = [
    ['project', /not an absolute path/],
    ['./project', /not an absolute path/],
    ['~/project', /not an absolute path/],
    ['', /not an absolute path/],
    [join(allowed, 'missing'), /does not exist/],
    [join(root, 'loop'), /does not exist/],
    [`/${'a'.repeat(4000)}`, /does not exist/],
    [join(allowed, 'file'), /not a folder/],
    [outside, /outside the allowed roots/],
    [join(allowed, 'way-out'), /outside the allowed roots/],
    [`${allowed}/../outside`, /outside the allowed roots/],
    [`${allowed}-not`, /outside the allowed roots/]
  ]
  for (const [path, why] of cases) {
    await t.rejects(checkProjectPath(path, rules), { code: 'path_not_allowed', statusCode: 422, detail: why, members: { errors: [{ pointer: '/cwd', message: why }] } }, path)
  }
})

t.test('without allowed roots any folder will do, but not / and not the data dir', async t => {
  const { outside, dataDir } = await tree(t)
  const rules = { allowedRoots: [], dataDir }
  t.equal(await checkProjectPath(outside, rules), outside)
  for (const path of ['/', '/..', dataDir, join(dataDir, 'worktrees')]) {
    await t.rejects(checkProjectPath(path, rules), { code: 'path_not_allowed' }, path)
  }
})

t.test('a missing allowed root allows nothing', async t => {
  const { root, outside, dataDir } = await tree(t)
  await t.rejects(checkProjectPath(outside, { allowedRoots: [join(root, 'missing')], dataDir }), { code: 'path_not_allowed' })
})

t.test('inside is told by whole names', async t => {
  t.ok(isWithin('/a/b', '/a') && isWithin('/a', '/a') && isWithin('/a/..b', '/a'))
  t.notOk(isWithin('/ab', '/a') || isWithin('/', '/a') || isWithin('/a', '/a/b'))
})
