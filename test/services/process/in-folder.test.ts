import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { inFolder } from '../../../services/process/in-folder.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('the first file of a folder makes it, for this user only', async t => {
  const folder = join(await temporaryFolder(t), 'a/b')
  for (const name of ['one', 'two']) {
    const path = join(folder, name)
    const file = await inFolder(path, async () => await open(path, 'ax'))
    await file.close()
  }
  t.same((await readdir(folder)).sort(), ['one', 'two'])
  t.equal((await stat(folder)).mode & 0o777, 0o700)
})

t.test('what else is wrong with the file is thrown as it is', async t => {
  const folder = await temporaryFolder(t)
  await t.rejects(inFolder(folder, async () => await open(folder, 'a')), { code: 'EISDIR' })
  await t.rejects(inFolder(join(folder, 'a'), () => { throw new Error('no') }), { message: 'no' })
  t.same(await readdir(folder), [])
})
