/** Services that end by themselves: what their row tells, and what their restart policy makes of it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { lives, runtimeScene, web, type RuntimeScene } from '../../fixtures/runtime.ts'

interface Shown { id: string, serviceName: string, status: string, command: string, providerRef: string | null, port: number | null, url: string, healthStatus: string, exitCode: number | null, exitReason: string | null, restartCount: number, attempt: number, nextRestartAt: string | null, logRef: string }
interface Operation { id: string, status: string, phase: string, metadata: Record<string, unknown>, stdoutExcerpt: string | null }

const testApp = await buildTestApp(t)
const { call } = testApp

async function start (t: Test, command: object): Promise<{ scene: RuntimeScene, first: Shown, now: () => Promise<Shown> }> {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ reuseScope: 'execution_workspace', ...command }] } })
  const { status, body } = await scene.control('start')
  t.equal(status, 200, body.detail)
  return { scene, first: body.workspace.runtimeServices[0], now: async () => (await scene.get()).runtimeServices[0] }
}

/** The newest operation, once it has ended: a service is shown as running a moment before the operation that started it is closed. */
async function endedOperation (scene: RuntimeScene): Promise<Operation | undefined> {
  await eventually(async () => (await operationsOf(scene))[0]?.status !== 'running', 'the operation has ended')
  return (await operationsOf(scene))[0]
}

const operationsOf = async ({ workspaceId }: RuntimeScene): Promise<Operation[]> => (await call('GET', `/api/execution-workspaces/${workspaceId}/workspace-operations`)).body

t.test('a crashed service backs off, comes back on its port, and an operation tells why', async t => {
  const { scene, first, now } = await start(t, { ...web, restart: { policy: 'on_failure', backoffMs: 50 } })
  process.kill(Number(first.providerRef), 'SIGKILL')
  await eventually(async () => (await now()).restartCount === 1 && (await now()).status === 'running', 'it runs again')
  const again = await now()
  t.match(again, { id: first.id, port: first.port, healthStatus: 'healthy', attempt: 2, exitCode: null, exitReason: null, nextRestartAt: null })
  t.not(again.providerRef, first.providerRef)
  t.equal(await (await fetch(`${again.url}pid`)).text(), again.providerRef)
  const operation = await endedOperation(scene)
  t.match(operation, { status: 'succeeded', phase: 'workspace_provision', metadata: { action: 'restart', automatic: true, runtimeServiceId: first.id, restartCount: 1, reason: /It was ended by SIGKILL\. It is started again in 50 ms, restart 1 in a row\./ }, stdoutExcerpt: /listening/ })
  for (const { logRef } of [first, again]) t.match(await readFile(join(testApp.dataDir, 'logs', logRef), 'utf8'), 'listening', 'each start keeps a log of its own')
  t.not(first.logRef, again.logRef)
})

t.test('while it waits, it shows how it ended, how often it was tried and when it comes back; a stop ends the waiting', async t => {
  const { scene, first, now } = await start(t, { name: 'fails', command: 'test -e ran && exit 3; touch ran; sleep 0.2; exit 4', restart: { policy: 'always', backoffMs: 40, maxRetries: 9 } })
  let waiting = first
  await eventually(async () => (waiting = await now()).restartCount >= 2 && waiting.status === 'backing_off', 'it was restarted twice and waits')
  t.match(waiting, { status: 'backing_off', exitReason: /It is started again in \d+ ms, restart \d in a row\./ })
  t.match(waiting.nextRestartAt, /^\d{4}-.*Z$/)
  await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { config: { workspaceRuntime: { commands: [{ name: 'fails', command: 'exec sleep 60', reuseScope: 'execution_workspace', restart: { policy: 'always', backoffMs: 60_000 } }] } } })
  let changed = waiting
  await eventually(async () => (changed = await now()).status === 'running' && changed.command === 'exec sleep 60', 'the restart takes the config as it is now')
  process.kill(Number(changed.providerRef), 'SIGKILL')
  await eventually(async () => (await now()).status === 'backing_off', 'it waits for a minute')
  const stopped = await scene.control('stop')
  t.equal(stopped.status, 200)
  t.match(await now(), { status: 'stopped', nextRestartAt: null, exitReason: 'It was stopped on request.' })
})

t.test('it is given up after its retries, and the row tells why', async t => {
  const { scene, first, now } = await start(t, { name: 'hopeless', command: 'echo "try $(ls | wc -l)"; touch "$(date +%N)"; sleep 0.2; exit 9', restart: { policy: 'on_failure', backoffMs: 5, maxRetries: 2 } })
  await eventually(async () => (await now()).status === 'failed', 'it is given up')
  t.match(await now(), { id: first.id, restartCount: 2, attempt: 3, exitCode: 9, exitReason: 'It ended by itself with code 9. It was restarted 2 times in a row; that is as often as its policy allows.' })
  t.equal((await operationsOf(scene)).filter(({ metadata }) => metadata['automatic'] === true).length, 2)
})

t.test('a restart that does not get ready counts as one more failure', async t => {
  const { scene, now } = await start(t, { ...web, command: `test -e broken && exit 6; ${web.command}`, restart: { policy: 'on_failure', backoffMs: 5, maxRetries: 1 } })
  await writeFile(join(scene.folder, 'broken'), '')
  process.kill(Number((await now()).providerRef), 'SIGKILL')
  await eventually(async () => (await now()).status === 'failed', 'it is given up')
  t.match(await now(), { exitReason: /web did not start: it ended by itself with code 6 before it was ready\. It was restarted 1 times in a row/ })
  const operation = await endedOperation(scene)
  t.match(operation, { status: 'failed', metadata: { automatic: true, error: { code: 'service_start_failed' } } })
})

t.test('an end that was no failure is no reason to restart, unless the policy is always', async t => {
  const calm = await start(t, { name: 'calm', command: 'sleep 0.2; exit 0', restart: { policy: 'on_failure', backoffMs: 5 } })
  const busy = await start(t, { name: 'busy', command: 'sleep 0.2; exit 0', restart: { policy: 'always', backoffMs: 5 } })
  await eventually(async () => (await calm.now()).status === 'stopped', 'it has ended')
  await eventually(async () => (await busy.now()).restartCount > 1, 'it is started again and again')
  t.match(await calm.now(), { status: 'stopped', restartCount: 0, exitCode: 0 })
})

t.test('one whose probe fails too often is unhealthy, says so, and is restarted where its policy says so', async t => {
  const sick = { ...web, health: { intervalSec: 1, failureThreshold: 1 }, env: { STATUS_FILE: '{{workspace.cwd}}/status' } }
  const shown = await start(t, sick)
  const restarted = await start(t, { ...sick, restart: { policy: 'on_failure', backoffMs: 5 } })
  await writeFile(join(shown.scene.folder, 'status'), '503')
  await writeFile(join(restarted.scene.folder, 'status'), '503')
  await eventually(async () => (await shown.now()).healthStatus === 'unhealthy', 'it is shown as unhealthy')
  t.match(await shown.now(), { status: 'running', providerRef: shown.first.providerRef, exitReason: /It is unhealthy: GET .* answered 503, \d+ times in a row\./ })
  await eventually(async () => (await restarted.now()).status !== 'running' || (await restarted.now()).restartCount > 0, 'the other is ended')
  t.notOk(lives(restarted.first.providerRef ?? 0))
  await writeFile(join(shown.scene.folder, 'status'), '200')
  await writeFile(join(restarted.scene.folder, 'status'), '200')
  await eventually(async () => (await shown.now()).healthStatus === 'healthy', 'it is well again')
  t.match(await shown.now(), { exitReason: null, restartCount: 0 })
  await eventually(async () => (await restarted.now()).status === 'running' && (await restarted.now()).healthStatus === 'healthy', 'the other is back')
})

t.test('the end of an unhealthy service that can not be stored is stored later, and it comes back', async t => {
  const { db } = testApp.app.database
  const { scene, first, now } = await start(t, { ...web, health: { intervalSec: 1, failureThreshold: 1 }, env: { STATUS_FILE: '{{workspace.cwd}}/status' }, restart: { policy: 'on_failure', backoffMs: 5 } })
  await sql`create function no_end () returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$`.execute(db)
  await sql`create trigger no_end before update on runtime_services for each row when (new.status = 'backing_off') execute function no_end()`.execute(db)
  await writeFile(join(scene.folder, 'status'), '503')
  await eventually(() => !lives(first.providerRef ?? 0), 'it was ended')
  // Its next look refuses to connect; that this is told shows that storing its end has failed.
  await eventually(async () => /ECONNREFUSED/.test((await now()).exitReason ?? ''), 'it is asked for still')
  t.match(await now(), { status: 'running', healthStatus: 'unhealthy' })
  await sql`drop function no_end cascade`.execute(db)
  await writeFile(join(scene.folder, 'status'), '200')
  await eventually(async () => (await now()).restartCount === 1 && (await now()).status === 'running', 'it runs again')
})

t.test('a service that waits for its restart is ended with its workspace, and a start does not wait', async t => {
  const { scene, first, now } = await start(t, { name: 'crash', command: 'exec sleep 60', restart: { policy: 'always', backoffMs: 60_000 } })
  process.kill(Number(first.providerRef), 'SIGKILL')
  await eventually(async () => (await now()).status === 'backing_off', 'it waits')
  const started = await scene.control('start')
  t.equal(started.status, 200)
  const [second] = started.body.workspace.runtimeServices
  t.match(second, { status: 'running', restartCount: 0 })
  t.not(second.id, first.id)
  process.kill(Number(second.providerRef), 'SIGKILL')
  await eventually(async () => (await now()).status === 'backing_off', 'it waits again')
  t.match((await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`)).body.workspace, { status: 'archived' })
  t.match(await now(), { status: 'stopped', exitReason: 'Its workspace was archived.' })
})
