import t from 'tap'
import { createFreeSpace } from '../../../services/operations/free-space.ts'

const mebi = 1_048_576

t.test('new work is refused while less is free than is needed, saying both', async t => {
  let [free, time, asked] = [200 * mebi, 0, 0]
  const space = createFreeSpace({ dataDir: '/x', minFreeBytes: 256 * mebi, clock: () => time, freeBytesOf: async () => { asked++; return free } })
  t.same(await space.read(), { ok: false, freeBytes: 200 * mebi, neededBytes: 256 * mebi })
  await t.rejects(space.requireRoom(), { code: 'insufficient_storage', statusCode: 507, detail: /200 MiB of it are free, and new work needs 256 MiB/, members: { freeBytes: 200 * mebi, neededBytes: 256 * mebi } })
  free = 300 * mebi
  await t.rejects(space.requireRoom(), { code: 'insufficient_storage' }, 'asked once a second at most')
  t.equal(asked, 1)
  time = 1000
  await space.requireRoom()
  t.equal(asked, 2)
})

t.test('where it can not be told, or nothing has to be free, nothing is refused', async t => {
  const lost = createFreeSpace({ dataDir: '/x', minFreeBytes: 1, freeBytesOf: async () => { throw new Error('gone') } })
  t.same(await lost.read(), { ok: true, freeBytes: null, neededBytes: 1 })
  await lost.requireRoom()
  await createFreeSpace({ dataDir: '/x', minFreeBytes: 0, freeBytesOf: async () => 0 }).requireRoom()
  t.ok(((await createFreeSpace({ dataDir: t.testdir({}), minFreeBytes: 0 }).read()).freeBytes ?? 0) > 0, 'the file system itself is asked')
})
