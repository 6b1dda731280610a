import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { dataDirOf, makeDataDir } from '../../db/data-dir.ts'

t.test('without a value the data dir is in the home folder; a relative one is taken from the working folder', async t => {
  t.equal(dataDirOf(undefined), join(homedir(), '.berth'))
  t.equal(dataDirOf(''), join(homedir(), '.berth'))
  t.equal(dataDirOf('data'), join(process.cwd(), 'data'))
})

t.test('missing parents are made, for this user alone, and making it twice is fine', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-data-dir-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'a/b/c')
  await makeDataDir(path)
  await makeDataDir(path)
  t.equal((await stat(path)).mode & 0o777, 0o700)
})

t.test('a place where no folder can be made is an error, at once', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-data-dir-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'file'), '')
  await t.rejects(makeDataDir(join(folder, 'file/data')), { code: 'ENOTDIR' })
  await t.rejects(makeDataDir('/proc/no-such-folder/data'), /ENOENT|EACCES|EPERM|EROFS|ENOTSUP/)
})
