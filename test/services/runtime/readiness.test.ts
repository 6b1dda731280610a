import t from 'tap'
import type { Test } from 'tap'
import { listenerOf } from '../../../services/process/listener.ts'
import { waitUntilReady, type ReadinessInput } from '../../../services/runtime/readiness.ts'
import { freePort, listenHere, startProgram } from '../../fixtures/processes.ts'

const settled = new Promise<never>(() => {})

/** Starts a program on a free port, and what waiting for it takes. */
async function starting (t: Test, name: string, env: Record<string, string> = {}, port?: number): Promise<ReadinessInput & { port: number }> {
  const own = port ?? await freePort()
  const { process: root, mark } = await startProgram(t, name, { env: { PORT: String(own), ...env } })
  return {
    port: own,
    probe: { type: 'http', url: `http://127.0.0.1:${own}/` },
    isOwnListener: async () => await listenerOf({ root, mark }, own) === 'own',
    exited: root.exited,
    timeoutMs: 20_000
  }
}

t.test('a server is ready soon after it listens', async t => {
  const ready = await waitUntilReady(await starting(t, 'http-server.js', { DELAY_MS: '100' }))
  t.match(ready, { ready: true })
  t.ok(ready.afterMs >= 90, `${ready.afterMs} ms`)
})

t.test('a server that answers 503 at first is waited for', async t => {
  t.match(await waitUntilReady(await starting(t, 'warms-up.js')), { ready: true })
})

t.test('a process that dies before it is ready fails at once, with its exit', async t => {
  const failed = await waitUntilReady(await starting(t, 'exits-at-once.js'))
  t.match(failed, { ready: false, reason: 'exited', exit: { code: 3, signal: null } })
  t.ok(failed.afterMs < 10_000, `${failed.afterMs} ms`)
})

t.test('time being up tells what the last probe saw', async t => {
  t.match(await waitUntilReady({ ...await starting(t, 'never-ready.js'), timeoutMs: 100 }), { ready: false, reason: 'timed_out', exit: null, lastResult: /ECONNREFUSED/ })
  t.match(await waitUntilReady({ ...await starting(t, 'http-server.js', { STATUS: '500' }), timeoutMs: 1000 }), { ready: false, reason: 'timed_out', lastResult: /answered 500/ })
})

t.test('a server that accepts and never answers does not hold it beyond its time', async t => {
  const input = await starting(t, 'accepts-never-answers.js')
  const failed = await waitUntilReady({ ...input, timeoutMs: 500 })
  t.match(failed, { ready: false, reason: 'timed_out' })
  t.ok(failed.afterMs < 5000, `${failed.afterMs} ms`)
})

t.test("a stranger's answer on the port is not the service's: it is never ready, and fails as such", async t => {
  const port = await freePort()
  const stranger = await startProgram(t, 'http-server.js', { env: { PORT: String(port) } })
  await stranger.says(/listening/)
  const failed = await waitUntilReady(await starting(t, 'never-ready.js', {}, port))
  t.match(failed, { ready: false, reason: 'foreign_listener', lastResult: /not the service's own/ })
})

t.test('a service that loses its port to a stranger and ends is told by its exit', async t => {
  const port = await listenHere(t)
  t.match(await waitUntilReady(await starting(t, 'http-server.js', {}, port)), { ready: false, reason: 'exited' })
})

t.test('aborting ends it at once', async t => {
  const controller = new AbortController()
  const waiting = waitUntilReady({ ...await starting(t, 'never-ready.js'), signal: controller.signal })
  controller.abort()
  t.match(await waiting, { ready: false, reason: 'aborted' })
})

t.test('a server in a child of the process is the service\'s own', async t => {
  t.match(await waitUntilReady(await starting(t, 'serves-from-child.js')), { ready: true })
})

t.test('TCP, log and command probes are waited for alike', async t => {
  const port = await freePort()
  const { process: root, mark, logPath } = await startProgram(t, 'http-server.js', { env: { PORT: String(port), DELAY_MS: '50' } })
  const isOwnListener = async () => await listenerOf({ root, mark }, port) === 'own'
  const common = { isOwnListener, exited: root.exited, timeoutMs: 20_000 }
  const results = await Promise.all([
    waitUntilReady({ ...common, probe: { type: 'tcp', port } }),
    waitUntilReady({ ...common, probe: { type: 'log', pattern: 'listening on port', logPath } }),
    waitUntilReady({ ...common, probe: { type: 'command', command: `grep -q listening '${logPath}'`, cwd: '/', env: { PATH: process.env.PATH ?? '', BERTH_SPAWN_MARK: mark } } })
  ])
  t.same(results.map(({ ready }) => ready), [true, true, true])
})

t.test('the interval bounds the pauses', async t => {
  let looks = 0
  await waitUntilReady({
    probe: { type: 'tcp', port: await listenHere(t) },
    isOwnListener: () => { looks++; return false },
    exited: settled,
    timeoutMs: 1000,
    intervalMs: 1
  })
  t.ok(looks > 60, `${looks} looks in a second`)
})
