import { randomUUID } from 'node:crypto'
import t from 'tap'
import { hostCgroups } from '../../../services/process/cgroups.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { terminate } from '../../../services/process/terminate.ts'
import { spawnProcess } from '../../../services/process/spawn.ts'
import { isAlive, readIdentity, type ProcessIdentity } from '../../../services/process/tree.ts'
import { whyNoGroups } from '../../fixtures/cgroups.ts'
import { eventually, freePort, listenHere, startProgram } from '../../fixtures/processes.ts'

if (!hasProc) {
  t.plan(0, 'needs /proc')
  process.exit()
}

function identify (pid: number): ProcessIdentity {
  const identity = readIdentity(pid)
  if (!identity) throw new Error(`process ${pid} is not there`)
  return identity
}

t.test('a process that ends on the stop signal is not forced, and the proof names it', async t => {
  const { process: root, mark, says } = await startProgram(t, 'stops-slowly.js', { env: { STOP_MS: '50' } })
  await says(/ready/)
  const proof = await terminate({ root, mark, graceMs: 10_000 })
  t.match(proof, { membersBefore: [root.pid], survivors: [], forced: false, portFree: null })
  t.ok(proof.durationMs >= 45 && proof.durationMs < 5000, `${proof.durationMs} ms`)
  t.same(await root.exited, { code: 0, signal: null })
})

t.test('each process gets the stop signal once, whatever it does with it', async t => {
  const { process: root, mark, says, output } = await startProgram(t, 'stops-slowly.js')
  await says(/ready/)
  await terminate({ root, mark, graceMs: 10_000 })
  t.equal((await output()).match(/stopping/g)?.length, 1)
  t.match(await output(), /stopped cleanly/)
})

t.test('a process that ignores SIGTERM is killed after its grace time', async t => {
  const { process: root, mark, says } = await startProgram(t, 'ignores-sigterm.js')
  await says(/ready/)
  const proof = await terminate({ root, mark, graceMs: 100 })
  t.match(proof, { survivors: [], forced: true })
  t.ok(proof.durationMs >= 100, `${proof.durationMs} ms`)
  t.same(await root.exited, { code: null, signal: 'SIGKILL' })
})

t.test('another stop signal is sent when one is named', async t => {
  const { process: root, mark, says } = await startProgram(t, 'never-ready.js')
  await says(/starting/)
  t.match(await terminate({ root, mark, signal: 'SIGINT', graceMs: 10_000 }), { forced: false, survivors: [] })
  t.same(await root.exited, { code: null, signal: 'SIGINT' })
})

t.test('children end with their parent', async t => {
  const { process: root, mark, says } = await startProgram(t, 'children', { command: 'sleep 60 & sleep 60 & echo "child $!"; wait' })
  const child = identify(Number(await says(/child (\d+)/)))
  const proof = await terminate({ root, mark, graceMs: 10_000 })
  t.equal(proof.membersBefore.length, 3)
  t.ok(proof.membersBefore.includes(child.pid))
  t.notOk(isAlive(child))
})

t.test('children end after their parent has already gone', async t => {
  const { process: root, mark, says } = await startProgram(t, 'orphans-child.sh')
  const child = identify(Number(await says(/child (\d+)/)))
  await root.exited
  t.match(await terminate({ root, mark, graceMs: 10_000 }), { membersBefore: [child.pid], survivors: [] })
  t.notOk(isAlive(child))
})

t.test('a grandchild that made a session of its own is ended by its mark, also without a root', async t => {
  const { mark, says } = await startProgram(t, 'setsid-grandchild.sh')
  const grandchild = identify(Number(await says(/grandchild (\d+)/)))
  const proof = await terminate({ root: null, mark, graceMs: 10_000 })
  t.ok(proof.membersBefore.includes(grandchild.pid))
  t.same(proof.survivors, [])
  t.notOk(isAlive(grandchild))
})

t.test('what is started while stopping is ended too', async t => {
  const { process: root, mark, says } = await startProgram(t, 'starts-child-when-stopped.sh')
  await says(/ready/)
  const proof = await terminate({ root, mark, graceMs: 3000 })
  const late = Number(await says(/late child (\d+)/))
  t.ok(proof.membersBefore.includes(late))
  // Whether by force is luck: a signal that meets it between fork and exec is taken by the shell's handler, and lost on the program.
  t.match(proof, { survivors: [] })
  t.equal(readIdentity(late), null)
})

t.test('a stopped process is woken to take the signal', async t => {
  const { process: root, mark, says } = await startProgram(t, 'stops-slowly.js', { env: { STOP_MS: '1' } })
  await says(/ready/)
  process.kill(root.pid, 'SIGSTOP')
  t.match(await terminate({ root, mark, graceMs: 10_000 }), { forced: false, survivors: [] })
  t.same(await root.exited, { code: 0, signal: null })
})

t.test('a fork storm ends', async t => {
  // Every process of it starts two others and ends; the depth bounds it should the test fail.
  const storm = 'storm() { if [ $1 -gt 0 ]; then (storm $(($1 - 1))) & (storm $(($1 - 1))) & sleep 1; fi; sleep 5; }; trap "" TERM; echo ready; storm 5; wait'
  const { process: root, mark, says } = await startProgram(t, 'storm', { command: storm })
  await says(/ready/)
  const proof = await terminate({ root, mark, graceMs: 20 })
  t.same(proof.survivors, [])
  t.ok(proof.forced)
})

t.test('the port is free at the end', async t => {
  const port = await freePort()
  const { process: root, mark, says } = await startProgram(t, 'http-server.js', { env: { PORT: String(port) } })
  await says(/listening/)
  t.match(await terminate({ root, mark, graceMs: 10_000, port }), { portFree: true, survivors: [] })
})

t.test('a stranger on the port shows in the proof and lives on', async t => {
  const port = await listenHere(t)
  const { process: root, mark } = await startProgram(t, 'never-ready.js')
  t.match(await terminate({ root, mark, graceMs: 10_000, port }), { portFree: false, survivors: [] })
})

t.test('a process that took over the pid is left alone', async t => {
  const { process: stranger, says } = await startProgram(t, 'never-ready.js')
  await says(/starting/)
  const proof = await terminate({ root: { pid: stranger.pid, startTime: '1@00000000' }, mark: randomUUID(), graceMs: 10 })
  t.match(proof, { membersBefore: [], survivors: [], forced: false })
  t.ok(isAlive(stranger))
})

t.test('neither this process nor the first one can be a target', async t => {
  for (const pid of [process.pid, 1, 0, -1]) {
    const root = readIdentity(pid) ?? { pid, startTime: '' }
    // Signal 0 would be harmless, but is no signal: SIGURG is ignored by everything that does not ask for it.
    const proof = await terminate({ root, mark: randomUUID(), signal: 'SIGURG', graceMs: 0 })
    t.notOk(proof.membersBefore.includes(pid) || proof.forced, String(pid))
  }
})

t.test('nothing left to end is proof at once', async t => {
  const { process: root, mark } = await startProgram(t, 'exits-at-once.js')
  await root.exited
  const proof = await terminate({ root, mark, graceMs: 10_000 })
  t.match(proof, { membersBefore: [], survivors: [], forced: false })
  await eventually(() => !isAlive(root), 'it is dead')
})

t.test('what has no mark, no session and no parent of it is ended by its control group, which goes with it', { skip: await whyNoGroups() }, async t => {
  for (const ignores of ['', 'trap "" TERM;']) {
    const mark = randomUUID()
    const hidden = `(env -i setsid /bin/sh -c '${ignores} while :; do sleep 0.05; done' &)`
    const root = await spawnProcess({ command: `${hidden}; exit 0`, cwd: '/', env: { PATH: process.env.PATH ?? '' }, output: 'pipe', group: { mark } })
    await root.exited
    const [group] = hostCgroups.find(mark)
    t.teardown(async () => { await group?.kill() })
    await eventually(() => group?.pids().some(pid => pid !== root.pid), 'it runs')
    t.same(await terminate({ root, mark: randomUUID(), graceMs: 0 }).then(({ membersBefore }) => membersBefore), [], 'nothing else tells of it')
    // As after a restart of this service: by the mark alone.
    const proof = await terminate({ root: null, mark, graceMs: 200 })
    t.match(proof, { survivors: [], forced: ignores !== '' })
    t.ok(proof.membersBefore.length > 0)
    t.ok(proof.membersBefore.every(pid => readIdentity(pid) === null))
    t.same(hostCgroups.find(mark), [])
  }
})
