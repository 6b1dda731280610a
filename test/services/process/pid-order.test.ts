import t from 'tap'
import { spawnProcess } from '../../../services/process/spawn.ts'
import { countBegun, onlyGrewSince, readPidNumbers, type PidNumbers } from '../../../services/process/pid-order.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { findMembers } from '../../../services/process/tree.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const numbers = (changes: Partial<PidNumbers>): PidNumbers => ({ begun: 5000, last: 2040, threads: 300, max: 32_768, ...changes })

t.test('pids have only grown while fewer were begun than numbers were left', async t => {
  t.equal(onlyGrewSince(2000, 4960, numbers({})), true, 'forty were begun since')
  t.equal(onlyGrewSince(2000, 4960, numbers({ max: 3000 })), false, 'too few numbers were left: they may have begun anew')
  t.equal(onlyGrewSince(2000, 0, numbers({ begun: 40_000, last: 2040 })), false, 'more than there are numbers')
  t.equal(onlyGrewSince(2000, 4960, numbers({ last: 1999 })), false, 'the last number is less: they have begun anew')
  t.equal(onlyGrewSince(2000, 4960, numbers({ last: 9000 })), false, 'more were taken than were begun')
  t.equal(onlyGrewSince(2000, 4960, null), false, 'nobody tells')
})

t.test('the system tells how far it has come', { skip: hasProc ? false : 'there is no /proc' }, async t => {
  const before = countBegun() ?? 0
  const child = await spawnProcess({ command: 'exec sleep 20', cwd: await temporaryFolder(t), env: {}, output: 'pipe' })
  t.teardown(() => process.kill(child.pid, 'SIGKILL'))
  const now = readPidNumbers()
  t.ok(now !== null && now.begun > before && now.max > child.pid && now.threads > 1)
  t.ok((child.begunBefore ?? Number.NaN) >= before && (child.begunBefore ?? Number.NaN) < (now?.begun ?? 0), 'a spawned process knows how many were begun before it')
})

t.test('a tree is found the same with and without knowing how many were begun before it', async t => {
  const child = await spawnProcess({ command: 'sleep 20 & setsid sleep 20 & exec sleep 20', cwd: await temporaryFolder(t), env: { PATH: process.env.PATH ?? '' }, output: 'pipe' })
  const root = { pid: child.pid, startTime: child.startTime }
  t.teardown(() => { for (const { pid } of findMembers({ root, mark: null })) process.kill(pid, 'SIGKILL') })
  await eventually(() => findMembers({ root, mark: null }).length === 3, 'all three are there')
  t.same(findMembers({ root: { ...root, begunBefore: child.begunBefore ?? null }, mark: null }), findMembers({ root, mark: null }))
})
