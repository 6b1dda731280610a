import { randomUUID } from 'node:crypto'
import { basename, join } from 'node:path'
import t from 'tap'
import { createCgroups, hostCgroups } from '../../../services/process/cgroups.ts'
import { noCgroups, standInCgroups, whyNoGroups, writeTree } from '../../fixtures/cgroups.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('the groups of a mark are found, and those of marks made from it, no others', async t => {
  const mark = randomUUID()
  const { cgroups } = await standInCgroups(t, { [`berth-${mark}/`]: '', [`berth-${mark}.one/`]: '', [`berth-${mark}2/`]: '', [`berth-${randomUUID()}/`]: '' })
  t.same(cgroups.find(mark).map(({ folder }) => basename(folder)).sort(), [`berth-${mark}`, `berth-${mark}.one`])
  t.same(cgroups.find(`${mark}.one`).length, 1)
  t.same(cgroups.find('../..'), [])
  t.same(cgroups.find(''), [])
})

t.test('a host without control groups has none, says why, and nothing fails', async t => {
  t.equal(noCgroups.place(), null)
  t.equal(await noCgroups.problem(), 'this host has no control groups')
  t.equal(await noCgroups.make(randomUUID()), null)
  t.same(noCgroups.find(randomUUID()), [])
})

t.test('a place where none can be made says why', async t => {
  const folder = await temporaryFolder(t)
  await writeTree(folder, { 'proc/self/cgroup': '0::/gone\n', 'proc/self/mountinfo': `1 1 0:1 / ${folder}/fs rw - cgroup2 cgroup2 rw\n` })
  const cgroups = createCgroups({ procFolder: join(folder, 'proc') })
  t.match(await cgroups.problem(), /no control group can be made in .*\/fs\/gone \(ENOENT\)/)
  t.equal(await cgroups.make(randomUUID()), null)
  t.same(cgroups.find(randomUUID()), [])
})

t.test('a group is made once for a mark, found by it, and not made for what is no mark', { skip: await whyNoGroups() }, async t => {
  const mark = randomUUID()
  const group = await hostCgroups.make(mark)
  t.teardown(async () => await group?.remove())
  t.equal(basename(group?.folder ?? ''), `berth-${mark}`)
  t.equal((await hostCgroups.make(mark))?.folder, group?.folder)
  // As a service that was started anew would.
  t.same(createCgroups().find(mark).map(({ folder }) => folder), [group?.folder])
  t.equal(await hostCgroups.make("a'; touch x; '"), null)
  t.equal(await hostCgroups.make('../escape'), null)
})
