import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { makeRepository, runGit } from '../../fixtures/git.ts'
import { runtimeScene } from '../../fixtures/runtime.ts'

const testApp = await buildTestApp(t)
const { call } = testApp

const runtime = { commands: [{ name: 'where', kind: 'job', command: 'git rev-parse --abbrev-ref HEAD; cat made' }, { name: 'sleeper', command: 'exec sleep 60' }] }

t.test('a missing worktree is attached again and provisioned before a run and a start', async t => {
  const folder = await makeRepository(t)
  const scene = await runtimeScene(t, testApp, { folder, mode: 'isolated_workspace', runtime })
  await call('PATCH', `/api/execution-workspaces/${scene.workspaceId}`, { config: { provisionCommand: 'echo made > made' } })
  const { providerRef, branchName } = await scene.get()
  await rm(providerRef, { recursive: true })
  const ran = await scene.control('run', { workspaceCommandId: 'job:where' })
  t.equal(ran.status, 200)
  t.match(ran.body.operation, { status: 'succeeded', stdoutExcerpt: `${branchName}\nmade\n` })

  await rm(providerRef, { recursive: true })
  t.equal((await scene.control('start')).status, 200)
  t.ok((await stat(providerRef)).isDirectory())
})

t.test('a folder and a branch that are both gone are a problem, and nothing is started', async t => {
  const folder = await makeRepository(t)
  const scene = await runtimeScene(t, testApp, { folder, mode: 'isolated_workspace', runtime })
  const { providerRef, branchName } = await scene.get()
  await rm(providerRef, { recursive: true })
  await runGit(folder, 'worktree', 'prune')
  await runGit(folder, 'branch', '-D', branchName)
  const { status, body } = await scene.control('start')
  t.equal(status, 422)
  t.equal(body.code, 'branch_missing')
  t.same((await scene.get()).runtimeServices, [])
})

t.test('what is remembered counts for the services that were named', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'a', command: 'exec sleep 60' }, { name: 'b', command: 'exec sleep 60' }] } })
  const states = async () => (({ desiredState, serviceStates }) => ({ desiredState, serviceStates }))((await scene.get()).config)
  await scene.control('start', { serviceIndex: 1 })
  t.same(await states(), { desiredState: 'running', serviceStates: { 0: 'stopped', 1: 'running' } })
  const { version } = await scene.get()
  await scene.control('start', { serviceIndex: 1 })
  t.equal((await scene.get()).version, version, 'what was wanted already is no change')
  const [running] = (await scene.get()).runtimeServices
  await scene.control('stop', { runtimeServiceId: running.id })
  t.same(await states(), { desiredState: 'running', serviceStates: { 0: 'stopped', 1: 'running' } }, 'untouched when only a runtime service was named')
  await scene.control('stop')
  t.same(await states(), { desiredState: 'stopped', serviceStates: { 0: 'stopped', 1: 'stopped' } })
})

t.test('a restart that fails says that the service was stopped', async t => {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'once', command: 'test ! -e ran && touch ran && exec sleep 60' }] } })
  t.equal((await scene.control('start')).status, 200)
  await eventually(() => existsSync(join(scene.folder, 'ran')), 'it to have come that far')
  const { status, body } = await scene.control('restart')
  t.equal(status, 422)
  t.match(body, { code: 'service_start_failed', detail: /It was stopped for the restart, and is not running now\. once did not start/ })
  t.match((await scene.get()).runtimeServices, [{ status: 'failed' }])
})
