import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { cgroupAt } from '../../../services/process/cgroup.ts'
import { applyLimits, wasOutOfMemory } from '../../../services/process/limits.ts'
import { noCgroups, standInCgroups, writeTree } from '../../fixtures/cgroups.ts'

const both = { 'cgroup.subtree_control': 'memory pids\n' }
const limits = { memoryBytes: 5_000_000, maxProcesses: 20 }

t.test('limits are set on the group', async t => {
  const { cgroups, base } = await standInCgroups(t, { ...both, 'group/memory.max': '', 'group/memory.swap.max': '', 'group/memory.oom.group': '', 'group/pids.max': '' })
  const group = cgroupAt(join(base, 'group'))
  t.equal(await applyLimits(cgroups, group, limits), null)
  t.equal(group.read('memory.max'), '5000000')
  t.equal(group.read('memory.swap.max'), '0', 'memory can not be gone round by swapping')
  t.equal(group.read('memory.oom.group'), '1', 'the whole tree ends')
  t.equal(group.read('pids.max'), '20')
})

t.test('only what was asked for is set; a kernel without the details has the limit all the same', async t => {
  const { cgroups, base } = await standInCgroups(t, { ...both, 'group/memory.max': '', 'group/pids.max': '' })
  const group = cgroupAt(join(base, 'group'))
  t.equal(await applyLimits(cgroups, group, undefined), null)
  t.equal(await applyLimits(cgroups, group, {}), null)
  t.equal(group.read('memory.max'), '')
  t.equal(await applyLimits(cgroups, group, { memoryBytes: 7_000_000 }), null)
  t.equal(group.read('memory.max'), '7000000')
  t.equal(group.read('pids.max'), '')
})

t.test('what is not enforced is told in one sentence, with the reason', async t => {
  t.equal(await applyLimits(noCgroups, null, undefined), null, 'not when nothing was asked for')
  t.equal(await applyLimits(noCgroups, null, limits), 'The limit of memory and of the number of processes is not enforced on this host: this host has no control groups.')
  const { cgroups, base } = await standInCgroups(t, { 'cgroup.subtree_control': 'memory\n', 'cgroup.controllers': 'memory\n', 'group/memory.max': '' })
  t.match(await applyLimits(cgroups, cgroupAt(join(base, 'group')), limits), /^The limit of the number of processes is not enforced on this host: the control group .* has no pids controller\.$/)
  t.match(await applyLimits(cgroups, cgroupAt(join(base, 'missing')), { memoryBytes: 5_000_000 }), /memory is not enforced on this host: memory\.max can not be set \(ENOENT\)/)
})

t.test('being ended for want of memory is told by the count of the kernel', async t => {
  const mark = randomUUID()
  const { cgroups, base } = await standInCgroups(t, { [`berth-${mark}/memory.events`]: 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n' })
  t.equal(wasOutOfMemory(mark, cgroups), false, 'none yet')
  await writeTree(base, { [`berth-${mark}.job/memory.events`]: 'max 12\noom 1\noom_kill 2\noom_group_kill 1\n' })
  t.equal(wasOutOfMemory(mark, cgroups), true)
  t.equal(wasOutOfMemory(randomUUID(), cgroups), false)
  t.equal(wasOutOfMemory(null, cgroups), false)
})
