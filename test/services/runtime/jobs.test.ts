import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { lives, runtimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

const job = (extra: object) => ({ jobs: [{ name: 'job', ...extra }] })
const run = { workspaceCommandId: 'job:job' }

t.test('a job is one operation that carries its output', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'echo out; echo err >&2; pwd', env: { A: '1' } }) })
  const before = (await call('GET', `/api/execution-workspaces/${scene.workspaceId}/workspace-operations`)).body.length
  const { status, body } = await scene.control('run', run)
  t.equal(status, 200)
  t.match(body.operation, { status: 'succeeded', exitCode: 0, phase: 'workspace_provision', command: 'echo out; echo err >&2; pwd', stdoutExcerpt: `out\n${scene.folder}\n`, stderrExcerpt: 'err\n' })
  t.match(body.operation.metadata, { action: 'run', workspaceCommandKind: 'job', workspaceCommandName: 'job', runtimeServiceCount: 0 })
  t.equal((await call('GET', `/api/execution-workspaces/${scene.workspaceId}/workspace-operations`)).body.length, before + 1)
})

t.test('a job that exits non-zero is a failed operation in a 200', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'echo no; exit 3' }) })
  const { status, body } = await scene.control('run', run)
  t.equal(status, 200)
  t.match(body.operation, { status: 'failed', exitCode: 3, stdoutExcerpt: 'no\n' })
})

t.test('a job that is killed says by which signal', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'kill -9 $$' }) })
  const { status, body } = await scene.control('run', run)
  t.equal(status, 200)
  t.match(body.operation, { status: 'failed', exitCode: null, metadata: { exitSignal: 'SIGKILL' } })
})

t.test('timeoutSec ends a job and all it started', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'setsid sleep 60 & echo $! > child; sleep 60', timeoutSec: 0.5 }) })
  const { status, body } = await scene.control('run', run)
  t.equal(status, 200)
  t.match(body.operation, { status: 'timed_out', metadata: { stop: { survivors: [] } } })
  t.notOk(lives((await readFile(join(scene.folder, 'child'), 'utf8')).trim()))
})

t.test('a value in a job\'s command is no shell text, and its folder is rendered', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'cat {{workspace.cwd}}/"$NAME"; pwd', cwd: 'sub', env: { NAME: 'a b' } }) })
  await mkdir(join(scene.folder, 'sub'))
  await writeFile(join(scene.folder, 'a b'), 'found\n')
  const { body } = await scene.control('run', run)
  t.match(body.operation, { status: 'succeeded', stdoutExcerpt: `found\n${scene.folder}/sub\n` })
})

t.test('a job that can not be started is a problem that names its operation', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: job({ command: 'true', cwd: 'missing' }) })
  const { status, body } = await scene.control('run', run)
  t.equal(status, 422)
  t.equal(body.code, 'command_not_started')
  t.match((await call('GET', `/api/workspace-operations/${body.operationId}`)).body, { status: 'failed' })
})

t.test('jobs and services share a workspace, and archiving waits for neither: it is blocked, and says by what', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'job', kind: 'job', command: 'touch begun; while [ ! -e go ]; do sleep 0.02; done' }, { name: 'sleeper', command: 'exec sleep 60' }] } })
  const running = scene.control('run', run)
  await eventually(async () => await access(join(scene.folder, 'begun')).then(() => true, () => false), 'the job runs')
  t.equal((await scene.control('start')).status, 200)
  t.match(await call('POST', `/api/execution-workspaces/${scene.workspaceId}/archive`), { status: 409, body: { code: 'close_blocked', closeReadiness: { blockingReasons: [/job/] } } })
  await writeFile(join(scene.folder, 'go'), '')
  t.equal((await running).body.operation.status, 'succeeded')
})
