import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { cgroupAt } from '../../../services/process/cgroup.ts'
import { hostCgroups } from '../../../services/process/cgroups.ts'
import { spawnProcess } from '../../../services/process/spawn.ts'
import { whyNoGroups, writeTree } from '../../fixtures/cgroups.ts'
import { eventually } from '../../fixtures/processes.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('its processes are those in it and in groups below it, but none that can not be named', async t => {
  const folder = await temporaryFolder(t)
  await writeTree(folder, { 'cgroup.procs': '12\n0\n34\n', 'inner/cgroup.procs': '56\n', 'inner/most/cgroup.procs': '78\n', 'plain-file': '99\n' })
  t.same(cgroupAt(folder).pids(), [12, 34, 56, 78])
  t.same(cgroupAt(join(folder, 'missing')).pids(), [])
})

t.test('a setting is written only where there is one', async t => {
  const folder = await temporaryFolder(t)
  await writeTree(folder, { 'pids.max': '' })
  const group = cgroupAt(folder)
  t.equal(await group.write('pids.max', 10), null)
  t.equal(await readFile(join(folder, 'pids.max'), 'utf8'), '10')
  t.equal(await group.write('memory.max', 10), 'ENOENT')
  await t.rejects(access(join(folder, 'memory.max')), 'no file is made')
  t.equal(group.read('pids.max'), '10')
  t.equal(group.read('memory.max'), null)
  t.equal(await group.kill(), false, 'a kernel without cgroup.kill')
})

t.test('a group is removed with those below it, one that is gone is gone, one that is not empty stays', async t => {
  const folder = await temporaryFolder(t)
  await writeTree(folder, { 'group/inner/most/': '', 'full/file': '' })
  t.equal(await cgroupAt(join(folder, 'group')).remove(), true)
  await t.rejects(access(join(folder, 'group')))
  t.equal(await cgroupAt(join(folder, 'group')).remove(), true)
  t.equal(await cgroupAt(join(folder, 'full')).remove(), false)
  await access(join(folder, 'full/file'))
})

t.test('the kernel ends all of a group at once, and lets it be removed then', { skip: await whyNoGroups() }, async t => {
  const mark = randomUUID()
  const started = await spawnProcess({ command: 'trap "" TERM; sleep 60 & (env -i setsid sleep 60 &); echo ready; wait', cwd: '/', env: { PATH: process.env.PATH ?? '' }, output: 'pipe', group: { mark } })
  const [group] = hostCgroups.find(mark)
  if (group === undefined) throw new Error('there is no group')
  await eventually(() => group.pids().length === 3, 'all are in it')
  t.ok(group.pids().includes(started.pid))
  t.equal(await group.remove(), false, 'not while somebody is in it')
  t.equal(await group.kill(), true)
  t.same(await started.exited, { code: null, signal: 'SIGKILL' })
  t.equal(await group.remove(), true)
  t.same(hostCgroups.find(mark), [])
})
