import t from 'tap'
import { signalGroup, signalTree } from '../../../services/process/signal-tree.ts'
import { readIdentity } from '../../../services/process/tree.ts'
import { eventually, startProgram } from '../../fixtures/processes.ts'

const withChild = { command: "setsid sh -c 'echo \"child $$\"; exec sleep 60' & wait" }

t.test('a child in a group of its own is reached through its parent', async t => {
  const { process: root, says } = await startProgram(t, 'tree', withChild)
  const child = Number(await says(/child (\d+)/))
  await signalTree(root.pid, 'SIGKILL')
  t.equal((await root.exited).signal, 'SIGKILL')
  await eventually(() => readIdentity(child) === null, 'the child is dead')
})

t.test('without ps the group is signalled, and this process goes on', async t => {
  const path = process.env.PATH
  t.teardown(() => { process.env.PATH = path })
  const { process: root, says } = await startProgram(t, 'group', { command: 'sleep 60 & echo "child $!"; wait' })
  const child = Number(await says(/child (\d+)/))
  process.env.PATH = '/nonexistent'
  await signalTree(root.pid, 'SIGKILL')
  process.env.PATH = path
  t.equal((await root.exited).signal, 'SIGKILL')
  await eventually(() => readIdentity(child) === null, 'the child is dead')
})

t.test('numbers that would signal more than was meant are refused', async t => {
  for (const pid of [0, 1, -1, Number.NaN, 2.5]) {
    t.notOk(signalGroup(pid, 0), String(pid))
    await signalTree(pid, 'SIGURG')
  }
  await signalTree(process.pid, 'SIGKILL')
  t.pass('and this process still runs')
})

t.test('a group that is gone gives false', async t => {
  const { process: root } = await startProgram(t, 'exits-at-once.js')
  await root.exited
  t.notOk(signalGroup(root.pid, 'SIGTERM'))
})
