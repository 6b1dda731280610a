import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { enableController, strangerAmong } from '../../../services/process/controllers.ts'
import type { ProcessStat } from '../../../services/process/proc-stat.ts'
import { writeTree } from '../../fixtures/cgroups.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('a controller that is enabled is left as it is', async t => {
  const base = await temporaryFolder(t)
  await writeTree(base, { 'cgroup.subtree_control': 'cpu memory pids\n' })
  t.equal(await enableController({ base, own: base }, 'memory'), null)
  t.equal(await readFile(join(base, 'cgroup.subtree_control'), 'utf8'), 'cpu memory pids\n')
})

t.test('one that is there is enabled', async t => {
  const base = await temporaryFolder(t)
  await writeTree(base, { 'cgroup.subtree_control': '', 'cgroup.controllers': 'cpu memory pids\n' })
  t.equal(await enableController({ base, own: base }, 'pids'), null)
  t.equal(await readFile(join(base, 'cgroup.subtree_control'), 'utf8'), '+pids')
})

t.test('one that is not there, or can not be enabled, says so', async t => {
  const base = await temporaryFolder(t)
  await writeTree(base, { 'cgroup.controllers': 'cpu hugetlb\n' })
  t.match(await enableController({ base, own: base }, 'memory'), /has no memory controller/)
  t.match(await enableController({ base, own: base }, 'cpu'), /cpu controller can not be enabled in .* \(ENOENT\)/)
})

/** init 1 → shell 10 → npm 11 → we 12 → our child 13 → its child 14; a neighbour 20 of the shell. */
const all = [[1, 0], [10, 1], [11, 10], [12, 11], [13, 12], [14, 13], [20, 10]].map(([pid, parent]) => ({ pid, parent }) as ProcessStat)
const groups: [string, number[], number | null][] = [
  ['ourselves alone', [12], null],
  ['ourselves and who started us', [10, 11, 12], null],
  ['ourselves and what we started', [12, 13, 14], null],
  ['the first process too, as in a container', [1, 12], null],
  ['a neighbour', [11, 12, 20], 20],
  ['one that has ended meanwhile', [12, 99], null]
]
for (const [title, pids, stranger] of groups) {
  t.test(`in a group with ${title} ${stranger === null ? 'nobody is a stranger' : 'that one is a stranger'}`, async t => t.equal(strangerAmong(pids, all, 12), stranger))
}
