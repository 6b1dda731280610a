/** The process: what it prints, how it refuses to start, how it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { shortLived } from '../cli/service-process.ts'
import { prepareDataDir } from './fixtures/data-dir.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

// Cold starts of the embedded database take seconds, more on a busy machine.
t.setTimeout(200_000)

const serverFile = fileURLToPath(new URL('../server.ts', import.meta.url))

function launch (t: Test, env: Record<string, string>, args: string[] = []) {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [...shortLived, serverFile, ...args], { env: { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent', LOG_LEVEL: 'warn', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => { out += String(chunk) })
  child.stderr.on('data', chunk => { err += String(chunk) })
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({ code, signal, out, err }))
  return { child, ended, said: () => out }
}

/** Polls its output; an end, or a minute, is a failure. */
async function saysUrl ({ child, said }: ReturnType<typeof launch>): Promise<string> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline && child.exitCode === null;) {
    const url = / listens at (http:\/\/\S+)/.exec(said())?.[1]
    if (url !== undefined) return url
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`it did not say where it listens: ${said()}`)
}

t.test('--help prints every setting and starts nothing', async t => {
  const { code, out } = await launch(t, {}, ['--help']).ended
  t.equal(code, 0)
  t.match(out, /BERTH_DATA_DIR/)
})

t.test('it says where it listens and where the docs are, answers, and ends with code 0 on SIGTERM', async t => {
  const dataDir = join(await temporaryFolder(t), 'data')
  const service = launch(t, { BERTH_DATA_DIR: dataDir, BERTH_PORT: '0' })
  const url = await saysUrl(service)
  t.match(service.said(), `docs are at ${url}/docs`)
  t.equal((await fetch(`${url}/healthz`)).status, 200)
  t.equal((await fetch(`${url}/docs`)).status, 200)

  await t.test('a second one on the same data dir is refused, naming the first', async t => {
    const { code, err } = await launch(t, { BERTH_DATA_DIR: dataDir, BERTH_PORT: '0' }).ended
    t.equal(code, 1)
    t.match(err, new RegExp(`^Berth can not start: .*in use by process ${service.child.pid} .*\n$`))
  })

  service.child.kill('SIGTERM')
  t.match(await service.ended, { code: 0, signal: null, err: '' })
})

t.test('a port in use is refused in one line that names who has it, and the data dir is free again', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.teardown(() => blocker.close())
  const { port } = blocker.address() as { port: number }
  const dataDir = await temporaryFolder(t)
  await prepareDataDir(dataDir)
  for (let time = 0; time < 2; time += 1) {
    const { code, err } = await launch(t, { BERTH_DATA_DIR: dataDir, BERTH_PORT: String(port) }).ended
    t.equal(code, 1)
    t.match(err, new RegExp(`^Berth can not start: port ${port} at 127.0.0.1 is in use by process ${process.pid} .*BERTH_PORT.\n$`))
  }
})

t.test('what can not work is refused in one line', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'file')
  await writeFile(file, '')
  const cases: [Record<string, string>, RegExp][] = [
    [{ BERTH_PORT: 'web' }, /^Berth can not start: BERTH_PORT must be a port number from 0 to 65535, not "web"\. See npm start -- --help\.\n$/],
    [{ BERTH_HOST: '0.0.0.0' }, /^Berth can not start: BERTH_HOST must be a loopback address .*\n$/],
    [{ BERTH_CHILD_USER: 'no-such-user' }, /^Berth can not start: BERTH_CHILD_USER names "no-such-user", a user that .*\n$/],
    [{ BERTH_CHILD_USER: '0' }, /^Berth can not start: BERTH_CHILD_USER must not name root .*\n$/],
    [{ BERTH_DATA_DIR: file }, /^Berth can not start: .*is not a folder\. Check BERTH_DATA_DIR\.\n$/],
    [{ BERTH_DATA_DIR: join(folder, 'data'), DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x' }, /^Berth can not start: No connection to postgres:\/\/me@127\.0\.0\.1:1\/x: .*\n$/]
  ]
  for (const [env, line] of cases) {
    const { code, err } = await launch(t, { BERTH_PORT: '0', ...env }).ended
    t.equal(code, 1)
    t.match(err, line)
  }
})
