/** Commands that misbehave: what each leaves, what is answered, and that nothing of it stays. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildTestApp, type Answer } from '../../fixtures/app.ts'
import { whyNoLimits } from '../../fixtures/cgroups.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { listenHere, programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web, type RuntimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)

interface Shown { id: string, status: string, providerRef: string | null, exitCode: number | null, exitReason: string | null, logRef: string }

async function start (t: Test, command: object): Promise<{ scene: RuntimeScene, answer: Answer, now: () => Promise<Shown> }> {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'faulty', reuseScope: 'execution_workspace', ...command }] } })
  return { scene, answer: await scene.control('start'), now: async () => (await scene.get()).runtimeServices[0] }
}

/** Living processes whose environment names the scene's workspace. */
function processesOf ({ workspaceId, projectWorkspaceId }: RuntimeScene): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isSafeInteger).filter(pid => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
      return environment.includes('BERTH_SPAWN_MARK=') && (environment.includes(workspaceId) || environment.includes(projectWorkspaceId)) && lives(pid)
    } catch {
      return false // ended between the listing and the look, or another user's
    }
  })
}

const failing: [string, object, object][] = [
  ['a program that is not there', { command: 'no-such-program --serve' }, { cause: { reason: 'exited', exitCode: 127 }, lastLines: [/no-such-program.*not found/] }],
  ['a file that is not executable', { command: './plain.txt' }, { cause: { reason: 'exited', exitCode: 126 }, lastLines: [/[Pp]ermission denied/] }],
  ['one that exits at once', { command: 'echo no config; exit 3' }, { cause: { reason: 'exited', exitCode: 3 }, lastLines: ['no config'] }],
  ['one that exits after a moment, with a probe', { command: 'echo starting; sleep 0.2; echo giving up >&2; exit 9', port: { type: 'auto' }, readiness: web.readiness }, { cause: { reason: 'exited', exitCode: 9 }, lastLines: ['starting', 'giving up'] }],
  ['one that is killed before it is ready', { command: 'kill -9 $$', port: { type: 'auto' }, readiness: web.readiness }, { cause: { reason: 'exited', exitSignal: 'SIGKILL' } }],
  ['one that forks and leaves, with a probe', { command: `(${programCommand('http-server.js').replace('exec ', '')} &) ; exit 0`, port: { type: 'auto' }, readiness: web.readiness, env: { DELAY_MS: '500' } }, { cause: { reason: 'exited', exitCode: 0 } }],
  ['one that accepts and never answers', { command: programCommand('accepts-never-answers.js'), port: { type: 'auto' }, readiness: { ...web.readiness, timeoutSec: 0.7 } }, { cause: { reason: 'timed_out', readiness: /no answer in time/ } }]
]
for (const [what, command, expected] of failing) {
  t.test(`${what} fails the start with its cause, and nothing of it stays`, async t => {
    const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'faulty', reuseScope: 'execution_workspace', ...command }] } })
    await writeFile(join(scene.folder, 'plain.txt'), 'echo plain\n')
    await chmod(join(scene.folder, 'plain.txt'), 0o644)
    const { status, body } = await scene.control('start')
    t.equal(status, 422)
    t.match(body, { code: 'service_start_failed', service: 'faulty', ...expected })
    t.match((await scene.get()).runtimeServices, [{ status: 'failed' }])
    t.same(processesOf(scene), [])
  })
}

t.test('a folder that goes away before a restart is named', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'homeless', cwd: 'home', command: 'exec sleep 60' }] } })
  await mkdir(join(scene.folder, 'home'))
  t.equal((await scene.control('start')).status, 200)
  await rm(join(scene.folder, 'home'), { recursive: true })
  t.match((await scene.control('restart')).body, { code: 'service_start_failed', detail: /It was stopped for the restart.*home does not exist/ })
})

t.test('one that leaves a child holding its output ends with it', async t => {
  const { scene, answer, now } = await start(t, { command: 'sleep 60 & echo up; sleep 0.3; exit 0' })
  t.equal(answer.status, 200)
  await eventually(async () => (await now()).status === 'stopped', 'its exit is seen though its output is still open')
  t.same(processesOf(scene), [])
})

t.test('one that ignores the stop signal and hides a grandchild in a session of its own is ended whole', async t => {
  const { scene, answer } = await start(t, { command: `sh '${programCommand('setsid-grandchild.sh').split("'")[1]}' & ${programCommand('ignores-sigterm.js')}`, stop: { graceSec: 0.2 }, readiness: { type: 'log', pattern: 'ready' } })
  t.equal(answer.status, 200, answer.body.detail)
  const { body } = await scene.control('stop')
  t.match(body.operation, { status: 'succeeded', metadata: { stop: { survivors: [], services: [{ forced: true }] } } })
  t.ok(body.operation.metadata.stop.membersBefore.length >= 3)
  t.same(processesOf(scene), [])
})

t.test('output without line ends, of invalid UTF-8 and in great amount neither blocks it nor fills the disk', async t => {
  const maxBytes = 256 * 1024
  const command = 'head -c 20000000 /dev/zero | tr \'\\0\' x; printf \'\\377\\376 broken \\303\'; head -c 100000000 /dev/zero | tr \'\\0\' \'\\n\'; echo; echo all written; exec sleep 60'
  const { scene, answer, now } = await start(t, { command, log: { maxBytes }, readiness: { type: 'log', pattern: '^all written', timeoutSec: 120 } })
  t.equal(answer.status, 200, answer.body.detail)
  const path = join(testApp.dataDir, 'logs', (await now()).logRef)
  await eventually(async () => {
    const { blocks, size } = await stat(path)
    return size > 100_000_000 && blocks * 512 < 2 * maxBytes
  }, 'all of it was written, and little of it is kept')
  t.equal((await scene.control('stop')).status, 200)
})

t.test('a full disk under the log does not end the service or this one', async t => {
  const folder = join(testApp.dataDir, 'logs', 'services')
  await mkdir(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    return t.comment('not tried: a small file system can only be mounted by root')
  }
  t.teardown(() => { execFileSync('umount', ['-l', folder]) })
  const { scene, answer } = await start(t, { ...web, command: `head -c 200000 /dev/zero; ${web.command}` })
  t.equal(answer.status, 200, answer.body.detail)
  t.equal((await fetch(answer.body.workspace.runtimeServices[0].url)).status, 200)
  const second = await start(t, { command: 'exec sleep 60' })
  t.equal(second.answer.status, 200, second.answer.body.detail)
  for (const one of [scene, second.scene]) t.equal((await one.control('stop')).status, 200)
})

t.test('a port taken before the start is named with its owner, who goes on', async t => {
  const port = await listenHere(t)
  const { answer } = await start(t, { ...web, name: 'faulty', port })
  t.match(answer.body, { code: 'service_start_failed', detail: new RegExp(`Port ${port} is in use by process ${process.pid}`) })
})

t.test('limits that this host can not enforce do not stop a start: its log says so', async t => {
  const { answer } = await start(t, { command: 'exec sleep 60', limits: { memoryBytes: 1_073_741_824, maxProcesses: 100 } })
  t.equal(answer.status, 200, answer.body.detail)
  const log = (await testApp.call('GET', `/api/workspace-operations/${answer.body.operation.id}/log`)).body.content
  t.equal(/is not enforced on this host/.test(log), await whyNoLimits() !== false)
})
