import { randomUUID } from 'node:crypto'
import t from 'tap'
import { hasProc, readStat } from '../../../services/process/proc-stat.ts'
import { descendantsOf, findMembers, isAlive, readIdentity } from '../../../services/process/tree.ts'
import { eventually, startProgram } from '../../fixtures/processes.ts'

if (!hasProc) {
  t.plan(0, 'needs /proc')
  process.exit()
}

const pidsOf = (tree: Parameters<typeof findMembers>[0]) => findMembers(tree).map(({ pid }) => pid)

t.test('a living process has an identity, and is alive by it', async t => {
  const { process: started } = await startProgram(t, 'never-ready.js')
  const identity = readIdentity(started.pid)
  t.same(identity, { pid: started.pid, startTime: started.startTime })
  t.ok(identity && isAlive(identity))
})

t.test('another process with the same pid is not the one meant', async t => {
  const { process: { pid } } = await startProgram(t, 'never-ready.js')
  t.notOk(isAlive({ pid, startTime: '1@00000000' }))
})

t.test('a zombie is dead and no member', async t => {
  const { process: started, mark, says } = await startProgram(t, 'leaves-zombie.js')
  const pid = Number(await says(/zombie (\d+)/))
  await eventually(() => readIdentity(pid) === null, 'the child is a zombie')
  t.notOk(pidsOf({ root: started, mark }).includes(pid))
})

t.test('children are members by session, without any mark', async t => {
  const { process: started, says } = await startProgram(t, 'orphans', { command: 'sleep 60 & echo "child $!"; wait' })
  const child = Number(await says(/child (\d+)/))
  t.same(pidsOf({ root: started, mark: null }).sort(), [started.pid, child].sort())
})

t.test('a child in a session of its own is a member by descent', async t => {
  const { process: started, says } = await startProgram(t, 'own session', { command: "setsid sh -c 'echo \"child $$\"; exec sleep 60' & wait" })
  const child = Number(await says(/child (\d+)/))
  t.ok(pidsOf({ root: started, mark: null }).includes(child))
})

t.test('descendants are found by their parents, the root first', async t => {
  const { process: started, says } = await startProgram(t, 'nested', { command: "sh -c 'sleep 60 & echo \"pids $$ $!\"; wait' & wait" })
  const pids = (await says(/pids (\d+ \d+)/)).split(' ').map(Number)
  t.same([...descendantsOf(started)], [started.pid, ...pids])
  t.same([...descendantsOf({ pid: started.pid, startTime: '1@00000000' })], [], 'another process with its pid has none')
})

t.test('a grandchild that left session and parent is found by its mark alone', async t => {
  const { process: started, mark, says } = await startProgram(t, 'setsid-grandchild.sh')
  const pid = Number(await says(/grandchild (\d+)/))
  await eventually(() => !pidsOf({ root: started, mark: null }).includes(pid), 'the grandchild has no tie to the root')
  // Its environment can't be read for the moment in which it becomes another program.
  await eventually(() => pidsOf({ root: started, mark }).includes(pid), 'it is found beside its root')
  t.ok(pidsOf({ root: null, mark }).includes(pid))
})

t.test('an orphan is found after the root has ended and its pid is free', async t => {
  const { process: started, mark, says } = await startProgram(t, 'orphans-child.sh')
  const child = Number(await says(/child (\d+)/))
  await started.exited
  t.same(pidsOf({ root: started, mark }), [child])
})

t.test('a child whose environment was emptied is found in a session that a marked one vouches for', async t => {
  const { process: started, mark, says } = await startProgram(t, 'emptied', { command: 'sleep 60 & env -i sleep 60 & echo "children $! ."' })
  const pid = Number(await says(/children (\d+)/))
  await started.exited
  t.ok(pidsOf({ root: started, mark }).includes(pid))
  t.same(pidsOf({ root: started, mark: null }), [], 'nothing vouches without the mark')
})

t.test('whoever is in a session that a marked process leads is a member, without parent and mark', async t => {
  const hidden = "(env -i PATH=\"$PATH\" sh -c 'echo \"hidden $$\"; exec sleep 60' &)"
  const { process: started, mark, says } = await startProgram(t, 'hidden', { env: { HIDDEN: hidden }, command: 'setsid sh -c \'eval "$HIDDEN"; exec sleep 60\' & wait' })
  const pid = Number(await says(/hidden (\d+)/))
  await eventually(() => readStat(pid)?.parent !== started.pid, 'its parent is gone')
  t.ok(pidsOf({ root: null, mark }).includes(pid))
})

t.test('whoever has the pid of the root by now is not touched, nor its session', async t => {
  const { process: stranger } = await startProgram(t, 'stranger', { command: 'sleep 60 & wait' })
  t.same(pidsOf({ root: { pid: stranger.pid, startTime: '1@00000000' }, mark: randomUUID() }), [])
})

t.test('a mark nobody carries finds nobody, and this process never finds itself', async t => {
  t.same(findMembers({ root: null, mark: randomUUID() }), [])
  const self = readIdentity(process.pid)
  t.notOk(pidsOf({ root: self, mark: null }).includes(process.pid))
  t.notOk(pidsOf({ root: readIdentity(1), mark: null }).includes(1))
})
