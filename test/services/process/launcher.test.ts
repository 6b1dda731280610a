import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { launchHere, LauncherLost, type Launch, type Launched, type LaunchRequest } from '../../../services/process/launch.ts'
import { createLauncher, type Launcher } from '../../../services/process/launcher.ts'
import { childrenOf, readStat } from '../../../services/process/proc-stat.ts'
import { spawnProcess } from '../../../services/process/spawn.ts'
import { isAlive, markVariable } from '../../../services/process/tree.ts'
import { child, childId, whyNoChildUser } from '../../fixtures/child-user.ts'
import { eventually } from '../../fixtures/processes.ts'

const folder = await realpath(await mkdtemp(join(tmpdir(), 'berth-launcher-test-')))
// Each launcher's own folder is made here, so that what is left of it can be seen.
process.env['TMPDIR'] = folder
t.teardown(() => rm(folder, { recursive: true, force: true }))
const PATH = process.env['PATH'] ?? ''

async function startLauncher (t: Test, how: { answerWithinMs?: number } = {}): Promise<Launcher & { pid: number, troubles: Error[] }> {
  const troubles: Error[] = []
  const before = new Set(childrenOf(process.pid))
  const launcher = createLauncher({ ...how, onTrouble: error => troubles.push(error) })
  t.teardown(() => launcher.close())
  t.equal(await launcher.ready(), true)
  const pid = childrenOf(process.pid).find(child => !before.has(child)) ?? 0
  return { ...launcher, pid, troubles }
}

const request = (script: string, more: Partial<LaunchRequest> = {}): LaunchRequest => ({ file: '/bin/sh', args: ['-c', script], cwd: folder, env: { PATH }, input: 'none', output: 'pipe', ...more })
const allOf = async (stream: NodeJS.ReadableStream | null): Promise<string> => stream === null ? '' : await text(stream)

async function suite (t: Test, launch: Launch): Promise<void> {
  t.test('both streams come whole, and the exit with its code or signal', async t => {
    const [out, code, signal] = await Promise.all([launch(request('echo out; echo err >&2')), launch(request('exit 7')), launch(request('kill -9 $$'))])
    t.same(await Promise.all([allOf(out.stdout), allOf(out.stderr)]), ['out\n', 'err\n'])
    t.same(await Promise.all([out.exited, code.exited, signal.exited]), [{ code: 0, signal: null }, { code: 7, signal: null }, { code: null, signal: 'SIGKILL' }])
  })

  t.test('it has a session of its own, and the environment and folder it was given, nothing else', async t => {
    const begun = await launch(request('env; pwd; sleep 0.2', { env: { PATH, ONLY: 'this \u2028 one\nand a line' } }))
    const stat = readStat(begun.pid)
    t.equal(stat?.session, begun.pid)
    t.equal(stat?.group, begun.pid)
    t.equal(stat?.startTime, begun.startTime)
    const shown = await allOf(begun.stdout)
    t.match(shown, 'ONLY=this \u2028 one\nand a line\n')
    t.match(shown, `\n${folder}\n`)
    t.notMatch(shown, /^(HOME|TMPDIR)=/m)
  })

  t.test('it runs as another user where it is told to, with a file open that this one could not open', { skip: whyNoChildUser }, async t => {
    const file = join(folder, randomUUID())
    await writeFile(file, '', { mode: 0o600 })
    const begun = await launch(request('id -u; id -G; echo written >&3', { user: child, opens: file }))
    t.equal(await allOf(begun.stdout), `${childId}\n${childId}\n`)
    t.equal(await readFile(file, 'utf8'), 'written\n')
    await t.rejects(launch(request(':', { user: child, opens: join(folder, 'none/none') })), { code: 'ENOENT' })
  })

  t.test('input is read to its end, and much of it and of output passes through', async t => {
    const bytes = 3_000_000
    const begun = await launch(request('cat', { input: 'pipe' }))
    begun.stdin?.end('x'.repeat(bytes))
    t.equal((await allOf(begun.stdout)).length, bytes)
    t.same(await begun.exited, { code: 0, signal: null })
    const careless = await launch(request('exec <&-; echo enough', { input: 'pipe' }))
    careless.stdin?.end('x'.repeat(bytes))
    t.equal(await allOf(careless.stdout), 'enough\n', 'what reads nothing is no failure')
    t.same(await careless.exited, { code: 0, signal: null })
  })

  t.test('a file is appended to by the process itself', async t => {
    const toFile = join(folder, `${Math.random()}.log`)
    for (const word of ['one', 'two']) t.same(await (await launch(request(`echo ${word}`, { output: { toFile } }))).exited, { code: 0, signal: null })
    t.equal(await readFile(toFile, 'utf8'), 'one\ntwo\n')
  })

  t.test('what can not be begun is refused with the reason of the system', async t => {
    await t.rejects(launch(request('', { file: 'there-is-no-such-program' })), { code: 'ENOENT' })
    await t.rejects(launch(request('', { file: folder })), { code: 'EACCES' })
    await t.rejects(launch(request('', { args: ['\0'] })), { code: 'ERR_INVALID_ARG_VALUE' })
    await t.rejects(launch(request('true', { env: { HUGE: 'x'.repeat(3_000_000) } })), { code: 'E2BIG' })
    await t.rejects(launch(request('true', { output: { toFile: join(folder, 'missing', 'x.log') } })), { code: 'ENOENT' })
    t.same(await (await launch(request('true'))).exited, { code: 0, signal: null }, 'and the next one begins')
  })

  t.test('many at once each get their own', async t => {
    const outputs = await Promise.all(Array.from({ length: 60 }, async (_, at) => await allOf((await launch(request(`echo ${at}`))).stdout)))
    t.same(outputs, Array.from({ length: 60 }, (_, at) => `${at}\n`))
  })
}

t.test('begun by this process', async t => { await suite(t, launchHere) })

t.test('begun by a launcher', async t => {
  const { launch, pid } = await startLauncher(t)
  t.equal(readStat((await launch(request('sleep 0.2'))).pid)?.parent, pid)
  await suite(t, launch)
})

t.test('a process that has nothing else to do stays up until its launcher has been closed', async t => {
  const program = fileURLToPath(new URL('../../fixtures/programs/closes-launchers.ts', import.meta.url))
  const closing = await launchHere(request('', { file: process.execPath, args: ['--liftoff-only', program], env: { PATH, TMPDIR: folder } }))
  t.same([await allOf(closing.stdout), await allOf(closing.stderr)], ['through\n', ''])
  t.same(await closing.exited, { code: 0, signal: null })
})

t.test('a launcher that dies takes nothing with it: what runs goes on and its end is seen, and another one comes', async t => {
  const { launch, pid, troubles, ready } = await startLauncher(t)
  const running = await launch(request('echo before; read line; echo after $line', { input: 'pipe' }))
  process.kill(pid, 'SIGKILL')
  await eventually(() => troubles.length > 0, 'the loss is told')
  running.stdin?.end('all\n')
  t.equal(await allOf(running.stdout), 'before\nafter all\n')
  t.same(await running.exited, { code: null, signal: null }, 'its code is known to nobody')
  t.same(await (await launch(request('true'))).exited, { code: 0, signal: null }, 'begun by this process meanwhile')
  await eventually(async () => await ready() && readStat((await launch(request('true'))).pid)?.parent !== process.pid, 'a new launcher begins processes')
})

t.test('who asks a launcher that dies is told that nobody knows', async t => {
  const { launch, pid } = await startLauncher(t)
  process.kill(pid, 'SIGSTOP')
  const asked = launch(request('true'))
  process.kill(pid, 'SIGKILL')
  await t.rejects(asked, LauncherLost)
})

t.test('a launcher that hangs is killed, and another one comes', async t => {
  const { launch, pid, ready } = await startLauncher(t, { answerWithinMs: 200 })
  process.kill(pid, 'SIGSTOP')
  await t.rejects(launch(request('true')), LauncherLost)
  await eventually(async () => await ready() && readStat((await launch(request('true'))).pid)?.parent !== process.pid, 'a new launcher begins processes')
})

t.test('a command of which nobody knows whether it began is ended, and said not to have started', async t => {
  let begun: Launched | undefined
  const launch: Launch = async given => {
    begun = await launchHere(given)
    throw new LauncherLost('gone')
  }
  const env = { PATH, [markVariable]: `lost-${Math.random()}` }
  await t.rejects(spawnProcess({ command: 'sleep 60', cwd: folder, env, output: 'pipe' }, { launch }), { code: 'command_not_started' })
  t.same(await begun?.exited, { code: null, signal: 'SIGTERM' })
})

t.test('the end of the launcher leaves nothing behind but what it has begun', async t => {
  const { launch, close, pid } = await startLauncher(t)
  const staying = await launch(request('exec sleep 60', { output: { toFile: '/dev/null' } }))
  staying.unref()
  await close()
  t.notOk(readStat(pid)?.state === 'S', 'the launcher is gone')
  t.ok(isAlive(staying))
  process.kill(staying.pid, 'SIGKILL')
  t.same((await readdir(folder)).filter(name => name.startsWith('berth-launcher-') && !name.startsWith('berth-launcher-test-')), [])
})

t.test('a service that is killed takes its launcher along, folder and all; what it had asked for last is not begun any more', async t => {
  const module = fileURLToPath(new URL('../../../services/process/launcher.ts', import.meta.url))
  const begun = join(folder, 'begun')
  const asked = JSON.stringify(request(`echo too late > '${begun}'`))
  const script = `import { createLauncher } from ${JSON.stringify(module)}; const l = createLauncher({ onTrouble () {} }); await l.ready(); console.log('ready'); process.stdin.once('data', () => { l.launch(${asked}); setTimeout(() => console.log('asked'), 50) })`
  const service = await launchHere({ file: process.execPath, args: ['--input-type=module', '-e', script], cwd: folder, env: { PATH, TMPDIR: folder }, input: 'pipe', output: 'pipe' })
  const says = async (): Promise<void> => await new Promise(resolve => service.stdout?.once('data', () => resolve()))
  await says()
  const launcher = childrenOf(service.pid)[0] ?? 0
  process.kill(launcher, 'SIGSTOP')
  service.stdin?.write('now')
  await says()
  process.kill(service.pid, 'SIGKILL')
  await service.exited
  process.kill(launcher, 'SIGCONT')
  await eventually(() => !isAlive({ pid: launcher, startTime: readStat(launcher)?.startTime ?? '' }), 'the launcher ends')
  await eventually(async () => !(await readdir(folder)).some(name => name.startsWith('berth-launcher-')), 'the folder is gone')
  t.notOk(existsSync(begun))
})

t.test('a stranger at the socket is hung up on', async t => {
  const { launch } = await startLauncher(t)
  const [name = ''] = (await readdir(folder)).filter(name => name.startsWith('berth-launcher-'))
  const stranger = connect(join(folder, name, 'socket'))
  stranger.end('wrong 0\n')
  await new Promise(resolve => stranger.once('close', resolve))
  t.same(await (await launch(request('true'))).exited, { code: 0, signal: null })
})

t.test('git runs by it: output, input, exit codes, a time-out', async t => {
  const { launch } = await startLauncher(t)
  const git = createGit({ launch })
  t.match((await git(['hash-object', '--stdin'], { cwd: folder, input: 'hello' })).stdout, /^b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0\n$/)
  t.equal((await git(['diff', '--no-index', '--quiet', '/dev/null', '/etc/passwd'], { cwd: folder, allowExitCodes: [1] })).exitCode, 1)
  await t.rejects(git(['no-such-command'], { cwd: folder }), { message: /exited with 1/ })
  await t.rejects(git(['status'], { cwd: join(folder, 'missing') }), { message: /not started: .*there is no such folder/ })
  await t.rejects(git(['-c', 'alias.wait=!sleep 60', 'wait'], { cwd: folder, timeoutMs: 300 }), { message: /timed out/ })
})
