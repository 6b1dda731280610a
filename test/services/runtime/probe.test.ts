import { randomUUID } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { PathNotAllowed } from '../../../services/errors.ts'
import { findMembers } from '../../../services/process/tree.ts'
import { createProbe, type Probe } from '../../../services/runtime/probe.ts'
import { eventually, freePort, listenHere, startProgram } from '../../fixtures/processes.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const never = new AbortController().signal
const look = async (probe: Probe, signal: AbortSignal = never) => await createProbe(probe).look(signal)

async function server (t: Parameters<typeof startProgram>[0], env: Record<string, string> = {}): Promise<string> {
  const { says } = await startProgram(t, 'http-server.js', { env: { PORT: '0', ...env } })
  return `http://127.0.0.1:${await says(/listening on port (\d+)/)}/`
}

t.test('an answer below 400 is ready, others and none are not, in words', async t => {
  const found = await server(t)
  t.same(await look({ type: 'http', url: found }), { ok: true, seen: `GET ${found} answered 200` })
  t.match(await look({ type: 'http', url: await server(t, { STATUS: '302' }) }), { ok: true })
  t.match(await look({ type: 'http', url: await server(t, { STATUS: '404' }) }), { ok: false, seen: /answered 404/ })
  t.match(await look({ type: 'http', url: await server(t, { STATUS: '503' }) }), { ok: false, seen: /answered 503/ })
  t.match(await look({ type: 'http', url: `http://127.0.0.1:${await freePort()}/` }), { ok: false, seen: /ECONNREFUSED/ })
})

t.test('a server on IPv6 alone is found by its name', async t => {
  const { says, process: { exited } } = await startProgram(t, 'http-server.js', { env: { PORT: '0', HOST: '::1' } })
  const port = await Promise.race([says(/listening on port (\d+)/), exited.then(() => null)])
  if (port === null) return t.pass('this machine has no IPv6')
  t.match(await look({ type: 'http', url: `http://localhost:${port}/` }), { ok: true })
  t.match(await look({ type: 'http', url: `http://[::1]:${port}/` }), { ok: true })
  t.match(await look({ type: 'tcp', port: Number(port) }), { ok: true })
})

t.test('a server sees one whole request, told of when it has accepted', async t => {
  const seen: unknown[] = []
  let connections = 0
  const server = createHttpServer(({ method, url, headers: { host, authorization, connection } }, response) => {
    seen.push({ method, url, host, authorization, connection })
    response.end('x'.repeat(100_000))
  }).on('connection', () => { connections++ })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  let told = 0
  t.match(await createProbe({ type: 'http', url: `http://me:word@${host}/path?query=1` }).look(never, () => { told++ }), { ok: true })
  t.same(seen, [{ method: 'GET', url: '/path?query=1', host, authorization: `Basic ${btoa('me:word')}`, connection: 'close' }])
  t.equal(connections, 1)
  t.equal(told, 1)
})

t.test('a server that closes without an answer is not ready', async t => {
  t.match(await look({ type: 'http', url: `http://127.0.0.1:${await listenHere(t)}/` }), { ok: false, seen: /failed/ })
})

t.test('a server that wants another protocol is up', async t => {
  const server = createServer(socket => { socket.once('data', () => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n') }) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const address = server.address()
  t.match(await look({ type: 'http', url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/` }), { ok: true, seen: /answered 101/ })
})

t.test('a server that never answers ends with the signal', async t => {
  const port = await freePort()
  await startProgram(t, 'accepts-never-answers.js', { env: { PORT: String(port) } })
  await eventually(async () => (await look({ type: 'tcp', port })).ok, 'it accepts')
  t.match(await look({ type: 'http', url: `http://127.0.0.1:${port}/` }, AbortSignal.timeout(50)), { ok: false, seen: /no answer in time/ })
})

t.test('what is no HTTP URL is said so', async t => {
  t.match(await look({ type: 'http', url: 'nonsense' }), { ok: false, seen: /not a URL/ })
  t.match(await look({ type: 'http', url: 'ftp://127.0.0.1/' }), { ok: false, seen: /not an HTTP URL/ })
})

t.test('connecting is enough for a TCP probe', async t => {
  const port = await listenHere(t)
  t.same(await look({ type: 'tcp', port }), { ok: true, seen: `connected to 127.0.0.1 port ${port}` })
  t.match(await look({ type: 'tcp', port: await freePort() }), { ok: false, seen: /ECONNREFUSED/ })
  t.match(await look({ type: 'tcp', port }, AbortSignal.abort()), { ok: false })
})

t.test('a server that greets sees its TCP probe leave politely, and a stream without end does not hold it', async t => {
  const ends: string[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    const flood = setInterval(() => socket.write('x'), 5)
    socket.write('hello')
    socket.once('end', () => ends.push('end')).on('error', error => ends.push(error.message)).once('close', () => { clearInterval(flood) })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const address = server.address()
  t.match(await look({ type: 'tcp', port: typeof address === 'object' && address !== null ? address.port : 0 }), { ok: true })
  await eventually(() => ends.length > 0, 'the server sees the end')
  t.equal(ends[0], 'end')
  await eventually(async () => await new Promise(resolve => server.getConnections((_error, count) => resolve(count === 0))), 'it is hung up on')
})

t.test('a log probe waits for its line', async t => {
  const logPath = join(await temporaryFolder(t), 'service.log')
  const probe = createProbe({ type: 'log', pattern: '^ready in \\d+', logPath })
  t.match(await probe.look(never), { ok: false, seen: /no line/ }, 'no log yet')
  await writeFile(logPath, 'not ready in 3 ms\n')
  t.match(await probe.look(never), { ok: false })
  await writeFile(logPath, 'not ready in 3 ms\nready in 4 ms\n')
  t.same(await probe.look(never), { ok: true, seen: 'the log says: ready in 4 ms' })
})

t.test('a command probe goes by the exit code', async t => {
  const cwd = await temporaryFolder(t)
  const env = { PATH: process.env.PATH ?? '', WANTED: 'yes' }
  t.match(await look({ type: 'command', command: 'test "$WANTED" = yes', cwd, env }), { ok: true })
  t.match(await look({ type: 'command', command: 'exit 7', cwd, env }), { ok: false, seen: /ended with 7/ })
  t.match(await look({ type: 'command', command: 'true', cwd: join(cwd, 'missing'), env }), { ok: false, seen: /does not exist/ })
})

t.test('a command is not run where nothing may be run any more', async t => {
  const cwd = await temporaryFolder(t)
  const requireFolder = async (): Promise<void> => { throw new PathNotAllowed('it lies outside the allowed roots') }
  t.match(await look({ type: 'command', command: 'touch run', cwd, env: { PATH: process.env['PATH'] ?? '' }, requireFolder }), { ok: false, seen: 'it lies outside the allowed roots' })
  t.same(await readdir(cwd), [])
})

t.test("a command that hangs is ended with its children, the service's own processes are not", async t => {
  const { process: service, mark } = await startProgram(t, 'never-ready.js')
  const env = { PATH: process.env.PATH ?? '', BERTH_SPAWN_MARK: mark, PROBE: randomUUID() }
  const result = await look({ type: 'command', command: 'setsid sleep 60 & sleep 60', cwd: await temporaryFolder(t), env }, AbortSignal.timeout(100))
  t.match(result, { ok: false, seen: /did not end/ })
  t.same(findMembers({ root: null, mark }).map(({ pid }) => pid), [service.pid])
})
