import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { CommandNotStarted } from '../../../services/errors.ts'
import { hasProc, readStat } from '../../../services/process/proc-stat.ts'
import { spawnProcess } from '../../../services/process/spawn.ts'
import { isAlive } from '../../../services/process/tree.ts'
import { hostCgroups } from '../../../services/process/cgroups.ts'
import { noCgroups, whyNoGroups } from '../../fixtures/cgroups.ts'
import { eventually, programCommand, startProgram } from '../../fixtures/processes.ts'

const env = { PATH: process.env.PATH ?? '' }
const folder = await mkdtemp(join(tmpdir(), 'berth-spawn-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

t.test('a process is named by pid and start time, and leads a group and session of its own', async t => {
  const { process: started } = await startProgram(t, 'never-ready.js')
  t.ok(isAlive(started))
  const seen = readStat(started.pid)
  t.equal(seen?.startTime, started.startTime)
  t.equal(seen?.group, started.pid)
  if (hasProc) t.equal(seen?.session, started.pid)
})

t.test('the exit tells the code, or the signal', async t => {
  const failing = await spawnProcess({ command: programCommand('exits-at-once.js'), cwd: folder, env, output: { toFile: join(folder, 'exit.log') } })
  t.same(await failing.exited, { code: 3, signal: null })
  const { process: killed } = await startProgram(t, 'never-ready.js')
  process.kill(killed.pid, 'SIGKILL')
  t.same(await killed.exited, { code: null, signal: 'SIGKILL' })
})

t.test('a process that ends at once has its start time all the same', async t => {
  for (let round = 0; round < 10; round++) {
    const started = await spawnProcess({ command: 'true', cwd: folder, env, output: 'pipe' })
    t.match(started.startTime, /./)
    t.same(await started.exited, { code: 0, signal: null })
  }
})

t.test('both streams are appended to the file, after what it held', async t => {
  const toFile = join(folder, 'deep', 'er', 'service.log')
  for (const word of ['one', 'two']) {
    const started = await spawnProcess({ command: `echo ${word}; echo ${word} failed >&2`, cwd: folder, env, output: { toFile } })
    t.equal(started.stdout, null)
    await started.exited
  }
  t.equal(await readFile(toFile, 'utf8'), 'one\none failed\ntwo\ntwo failed\n')
  t.equal((await stat(toFile)).mode & 0o777, 0o600)
})

t.test('pipes give all that was written, even to a reader that comes after the end', async t => {
  const started = await spawnProcess({ command: 'echo out; echo err >&2', cwd: folder, env, output: 'pipe' })
  await started.exited
  // Node would have thrown it away by now: two turns of the loop after the exit.
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  t.equal(started.stdout && await text(started.stdout), 'out\n')
  t.equal(started.stderr && await text(started.stderr), 'err\n')
})

t.test('a large output comes through a pipe whole', async t => {
  const started = await spawnProcess({ command: programCommand('writes-much.js'), cwd: folder, env, output: 'pipe' })
  const lines = (started.stdout ? await text(started.stdout) : '').trimEnd().split('\n')
  t.equal(lines.length, 10_000)
  t.match(lines.at(-1), /^10000 x+$/)
})

t.test('standard input is empty, so that a command that reads it ends', async t => {
  const started = await spawnProcess({ command: 'cat; echo done', cwd: folder, env, output: 'pipe' })
  t.equal(started.stdout && await text(started.stdout), 'done\n')
})

t.test('the environment is the one given, nothing of this process', async t => {
  process.env.SPAWN_TEST_SECRET = 'secret'
  t.teardown(() => { delete process.env.SPAWN_TEST_SECRET })
  const started = await spawnProcess({ command: 'env', cwd: folder, env: { ...env, GIVEN: 'a b' }, output: 'pipe' })
  const printed = started.stdout ? await text(started.stdout) : ''
  t.match(printed, /^GIVEN=a b$/m)
  t.notMatch(printed, /SPAWN_TEST_SECRET/)
})

t.test('no profile is read by the shell', async t => {
  await writeFile(join(folder, '.profile'), 'echo profile was read')
  const started = await spawnProcess({ command: 'echo plain', cwd: folder, env: { ...env, HOME: folder, ENV: join(folder, 'missing') }, output: 'pipe' })
  t.equal(started.stdout && await text(started.stdout), 'plain\n')
})

t.test('a process with its output in a file outlives the one that started it', async t => {
  const toFile = join(folder, 'outlives.log')
  const module = JSON.stringify(new URL('../../../services/process/spawn.ts', import.meta.url).href)
  const script = `const { spawnProcess } = await import(${module});
    const p = await spawnProcess({ command: 'echo $$; sleep 0.2; echo still here', cwd: ${JSON.stringify(folder)}, env: process.env, output: { toFile: ${JSON.stringify(toFile)} } });
    p.unref()`
  const starter = await spawnProcess({ command: `exec '${process.execPath}' --input-type=module -e "$SCRIPT"`, cwd: folder, env: { ...env, SCRIPT: script }, output: 'pipe' })
  t.same(await starter.exited, { code: 0, signal: null })
  await eventually(async () => /still here/.test(await readFile(toFile, 'utf8')), 'it writes on')
})

t.test('what can not be started is refused with the reason', async t => {
  const output = { toFile: join(folder, 'refused.log') }
  const missing = join(folder, 'missing')
  await t.rejects(spawnProcess({ command: 'true', cwd: missing, env, output }), { code: 'command_not_started', message: new RegExp(`${missing} does not exist`) })
  await writeFile(join(folder, 'plain'), '')
  await t.rejects(spawnProcess({ command: 'true', cwd: join(folder, 'plain'), env, output }), { message: /is not a folder/ })
  await t.rejects(spawnProcess({ command: 'true', cwd: folder, env, output: { toFile: join(folder, 'plain', 'x.log') } }), { message: /log .* can not be opened/ })
  await t.rejects(spawnProcess({ command: 'true', cwd: folder, env: { ...env, HUGE: 'x'.repeat(3_000_000) }, output }), CommandNotStarted, 'more than the system takes')
  await t.rejects(spawnProcess({ command: 'a\0b', cwd: folder, env, output }), CommandNotStarted, 'a NUL byte')
})

t.test('a command is in its control group from its first moment, and what it starts stays there', { skip: await whyNoGroups() }, async t => {
  const mark = randomUUID()
  const started = await spawnProcess({ command: 'cat /proc/self/cgroup; (env -i setsid cat /proc/self/cgroup &)', cwd: folder, env, output: 'pipe', group: { mark } })
  const lines = (started.stdout ? await text(started.stdout) : '').split('\n').filter(line => line.startsWith('0::'))
  t.equal(lines.length, 2)
  for (const line of lines) t.ok(line.endsWith(`/berth-${mark}`), line)
  for (const group of hostCgroups.find(mark)) t.equal(await group.remove(), true)
})

t.test('a host without control groups starts it all the same, and says so if limits were asked for', async t => {
  const limits = { maxProcesses: 20 }
  const start = async (group: { mark: string, limits?: typeof limits }) => await spawnProcess({ command: 'echo on', cwd: folder, env, output: 'pipe', group }, { cgroups: noCgroups })
  const limited = await start({ mark: randomUUID(), limits })
  t.equal(limited.limitsProblem, 'The limit of the number of processes is not enforced on this host: this host has no control groups.')
  t.equal(limited.stdout && await text(limited.stdout), 'on\n')
  t.same(await limited.exited, { code: 0, signal: null })
  t.equal((await start({ mark: randomUUID() })).limitsProblem, null)
})

t.test('what can not be started leaves no control group', { skip: await whyNoGroups() }, async t => {
  const mark = randomUUID()
  await t.rejects(spawnProcess({ command: 'a\0b', cwd: folder, env, output: 'pipe', group: { mark } }), CommandNotStarted)
  t.same(hostCgroups.find(mark), [])
})
