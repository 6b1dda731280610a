import { randomUUID } from 'node:crypto'
import { access, appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildTestApp, nobody, person } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { programCommand } from '../fixtures/processes.ts'
import { runtimeScene, web } from '../fixtures/runtime.ts'
import { openStream, type SseEvent, type SseOptions } from '../fixtures/sse.ts'

const testApp = await buildTestApp(t)
const { app, call, dataDir } = testApp
const base = await app.listen({ port: 0, host: '127.0.0.1' })

const service = (command: string, more: object = {}) => ({ commands: [{ name: 'talker', command, reuseScope: 'execution_workspace', ...more }] })

/** Starts the one service of a workspace of its own. */
async function startedService (t: Test, runtime: object) {
  const scene = await runtimeScene(t, testApp, { runtime })
  const { body } = await scene.control('start')
  const id: string = body.workspace.runtimeServices[0].id
  const path = `/api/runtime-services/${id}`
  return { scene, id, path, follow: async (query = '', options: SseOptions = {}) => await openStream(t, `${base}${path}/log/stream${query}`, options) }
}

const dataOf = ({ data }: SseEvent) => JSON.parse(data)
const isEnd = ({ event }: SseEvent) => event === 'end'
const textOf = (events: SseEvent[]): string => events.filter(({ event }) => event === 'log').map(event => dataOf(event).content).join('')

t.test('a service is shown as its workspace shows it, with an ETag, also when it has ended', async t => {
  const { scene, path } = await startedService(t, { commands: [web] })
  const answer = await call('GET', path)
  t.equal(answer.status, 200)
  t.same(answer.body, (await scene.get()).runtimeServices[0])
  t.equal((await call('GET', path, undefined, { headers: { 'if-none-match': String(answer.headers.etag) } })).status, 304)
  await scene.control('stop')
  t.match(await call('GET', path), { status: 200, body: { status: 'stopped', exitReason: 'It was stopped on request.' } })
})

t.test('a log is read in parts, and is over when the service is', async t => {
  const { scene, id, path } = await startedService(t, service('echo one; echo two; printf thr; exec sleep 60'))
  await eventually(async () => (await call('GET', `${path}/log?offset=8`)).body.content === 'thr', 'all of it')
  const first = await call('GET', `${path}/log?limitBytes=5`)
  t.match(first, { status: 200, body: { runtimeServiceId: id, attempt: 1, store: 'local_file', logRef: `services/${id}.1.log`, content: 'one\n', offset: 0, nextOffset: 4 } })
  t.match((await call('GET', `${path}/log?offset=11`)).body, { content: '', offset: 11, nextOffset: 11 }, 'more may come')
  await scene.control('stop')
  t.match((await call('GET', `${path}/log?attempt=1&offset=4`)).body, { content: 'two\n', nextOffset: 8 })
  t.match((await call('GET', `${path}/log?offset=8`)).body, { content: 'thr', nextOffset: null })
})

t.test('readers follow a service at work to its end, each line once, and come back where they were', async t => {
  const { scene, follow } = await startedService(t, service(programCommand('writes-steadily.js')))
  const readers = await Promise.all(Array.from({ length: 20 }, async () => await follow()))
  const reader = await follow()
  await eventually(() => textOf(reader.events).split('\n').length > 500, 'some lines')
  reader.leave()
  const seen = [...reader.events]
  const back = await follow('?offset=7', { lastEventId: seen.at(-1)?.id ?? '' })
  await eventually(() => back.events.length > 5, 'more lines')
  await scene.control('stop')
  const end = await back.event(isEnd, 'the end')
  t.ok(await back.closed)
  t.match(dataOf(end), { status: 'stopped', exitReason: 'It was stopped on request.' })
  const lines = textOf([...seen, ...back.events]).trimEnd().split('\n')
  const count = Number(/wrote (\d+) lines/.exec(lines.pop() ?? '')?.[1])
  t.same(lines.map(line => Number.parseInt(line)), Array.from({ length: count }, (_, at) => at + 1))
  for (const one of readers) {
    t.ok(await one.closed)
    t.equal(textOf(one.events), textOf([...seen, ...back.events]))
    t.same(one.events.at(-1), end)
  }
  t.equal((await follow('', { lastEventId: 'end' })).status, 204)
  await eventually(() => app.operations.tails.openFiles === 0 && app.eventStreams.open === 0, 'nothing is left open')
})

t.test('a line reaches its readers without anybody asking for it', async t => {
  const { id, follow } = await startedService(t, service('exec sleep 60'))
  const reader = await follow()
  const late: number[] = []
  for (let line = 0; line < 20; line++) {
    const seen = reader.events.length
    const at = performance.now()
    await appendFile(join(dataDir, 'logs', 'services', `${id}.1.log`), `${line}\n`)
    await eventually(() => reader.events.length > seen, 'the line')
    late.push(performance.now() - at)
  }
  // The look that is made for what the kernel may miss comes every 2 s.
  t.ok(late.sort((a, b) => a - b)[10] as number < 500, `${late.map(Math.round)} ms`)
})

t.test('secrets of the config and tokens are masked, wherever reading begins', async t => {
  const { path, follow } = await startedService(t, service('echo "key $API_KEY and Bearer abcdefgh12"; exec sleep 60', { env: { API_KEY: 'k3y-of-the-house' } }))
  const reader = await follow()
  await reader.event(event => textOf([event]).includes('and'), 'the line')
  t.equal(textOf(reader.events), 'key *** and Bearer ***\n')
  for (let offset = 0; offset < 44; offset++) {
    t.notMatch((await call('GET', `${path}/log?offset=${offset}&limitBytes=20`)).body.content, /house|the-|fgh12|cdef/, `from ${offset}`)
  }
})

t.test('a first look at the end of a log begins with a line', async t => {
  const { path, follow } = await startedService(t, service('for n in 1 2 3 4 5; do echo line $n; done; exec sleep 60'))
  await eventually(async () => (await call('GET', `${path}/log`)).body.nextOffset === 35, 'five lines')
  const reader = await follow('?tail=15')
  t.match(dataOf(await reader.event(() => true, 'the last lines')), { offset: 21, content: 'line 4\nline 5\n' })
})

t.test('what is not there, or not to be seen, is 404 with the same body', async t => {
  const { path } = await startedService(t, service('exec sleep 60'))
  const bare = ({ body }: { body: Record<string, unknown> }) => ({ ...body, instance: '', requestId: '' })
  const stranger = person(randomUUID())
  for (const suffix of ['', '/log', '/log/stream']) {
    const foreign = await call('GET', path + suffix, undefined, { actor: stranger })
    t.equal(foreign.status, 404, suffix)
    t.match(foreign.headers['content-type'], 'application/problem+json')
    t.same(bare(foreign), bare(await call('GET', `/api/runtime-services/${randomUUID()}${suffix}`, undefined, { actor: stranger })))
    t.equal((await call('GET', path + suffix, undefined, { actor: nobody })).status, 401, suffix)
  }
  t.equal((await call('GET', `${path}/log/stream`, undefined, { actor: stranger, headers: { 'last-event-id': 'end' } })).status, 404)
  for (const suffix of ['/log?attempt=2', '/log/stream?attempt=2']) t.match(await call('GET', path + suffix), { status: 404, body: { detail: /attempt 2/ } })
  t.equal((await call('HEAD', `${path}/log/stream`)).status, 405)
})

t.test('malformed requests are 400 and point at the place', async t => {
  const path = `/api/runtime-services/${randomUUID()}`
  for (const [url, pointer] of [
    ['/api/runtime-services/nope', '#/params/id'],
    [`${path}/log?attempt=0`, '#/query/attempt'],
    [`${path}/log?limitBytes=2097153`, '#/query/limitBytes'],
    [`${path}/log?offset=-1`, '#/query/offset'],
    [`${path}/log?tail=5`, '#/query/tail'],
    [`${path}/log/stream?tail=-1`, '#/query/tail'],
    [`${path}/log/stream?limitBytes=5`, '#/query/limitBytes']
  ] as const) t.match(await call('GET', url), { status: 400, body: { errors: [{ pointer }] } }, url)
  for (const id of ['17', '1:', '0:5', 'begin', '1:2:3']) t.equal((await call('GET', `${path}/log/stream`, undefined, { headers: { 'last-event-id': id } })).status, 400, id)
})

t.test('a service that prints 100 MB does not wait for a slow reader, who is told what was dropped meanwhile', { timeout: 120_000 }, async t => {
  // Without line ends, and at last bytes that are no text.
  const noise = "head -c 95000000 /dev/zero | tr '\\0' x; head -c 5000000 /dev/urandom"
  const { scene, id, follow } = await startedService(t, service(`until [ -e go ]; do sleep 0.02; done; ${noise}; echo; echo all is said; exec sleep 60`, { log: { maxBytes: 8_000_000 } }))
  const isLast = (event: SseEvent) => event.event === 'log' && event.data.includes('all is said')
  let [fastDone, slowDone, skippedBytes, slowOffset] = [false, false, 0, 0]
  const slow = await follow('', {
    onEvent (event) {
      const data = dataOf(event)
      if (event.event === 'skipped') skippedBytes += data.bytes
      slowOffset = data.nextOffset
      slowDone ||= isLast(event)
    }
  })
  await follow('', { onEvent: event => { fastDone ||= isLast(event) } })
  slow.pause()
  await writeFile(join(scene.folder, 'go'), '')
  await eventually(() => fastDone, 'the fast reader to come to the end', 60_000)
  t.ok(slowOffset < 20_000_000, `the slow one is at ${slowOffset} bytes meanwhile`)
  const log = join(dataDir, 'logs', 'services', `${id}.1.log`)
  await eventually(async () => await access(`${log}.from`).then(() => true, () => false), 'the log to be capped')
  slow.resume()
  await eventually(() => slowDone, 'the slow reader to come to the end', 60_000)
  t.ok(skippedBytes > 50_000_000, `it was told that ${skippedBytes} bytes are gone`)
  t.equal(slowOffset, (await stat(log)).size)
})
