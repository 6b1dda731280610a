import fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import eventStreams, { type EventSource, type EventStreamsOptions } from '../../plugins/event-streams.ts'
import { createWakeUp } from '../../services/operations/wake-up.ts'
import { eventually } from '../fixtures/eventually.ts'
import { openStream } from '../fixtures/sse.ts'

/** A server whose /stream sends what `source` makes. */
async function serve (t: Test, source: EventSource | null, options: EventStreamsOptions = {}, credential = new AbortController().signal): Promise<{ app: FastifyInstance, url: string, logged: string[] }> {
  const logged: string[] = []
  // Without Fastify's own help, so that it is the plugin that lets go of connections.
  const app = fastify({ forceCloseConnections: false, logger: { level: 'warn', stream: { write: (line: string) => { logged.push(line) } } } })
  for (const name of ['operations', 'auth']) await app.register(fp(async () => {}, { name }))
  await app.register(fp(async app => { app.decorate('credentialEnds', { watch: () => ({ signal: credential, release: () => {} }) }) }, { name: 'credential-ends' }))
  await app.register(eventStreams, options)
  app.get('/stream', { sse: 'manual', exposeHeadRoute: false }, async (_request, reply) => await app.eventStreams.send(reply, source))
  t.teardown(() => app.close())
  return { app, url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/stream`, logged }
}

/** A source that waits until its signal aborts, after `before`. */
function quiet (onEnd: () => void = () => {}, before = 0): EventSource {
  return async function * (signal) {
    const { notify, next } = createWakeUp()
    signal.addEventListener('abort', notify)
    try {
      for (let count = 1; count <= before; count++) yield { event: 'log', id: String(count), data: '{}' }
      await next()
    } finally {
      onEnd()
    }
  }
}

/** A source of large events without end; `made` counts them. */
function endless (onEvent: () => void, onEnd: () => void = () => {}): EventSource {
  return async function * () {
    try {
      for (let count = 1; ; count++) {
        onEvent()
        yield { event: 'log', id: String(count), data: 'x'.repeat(32_768) }
      }
    } finally {
      onEnd()
    }
  }
}

/** Waits until a count does not change any more: what is asked for has come to rest. */
async function atRest (count: () => number): Promise<void> {
  let [before, since] = [-1, performance.now()]
  await eventually(() => {
    if (count() !== before) since = performance.now()
    before = count()
    return before > 0 && performance.now() - since > 50
  }, 'the source to rest')
}

t.test('events are sent as they are made, and the stream ends with them', async t => {
  const { app, url } = await serve(t, async function * () {
    yield { event: 'log', id: '1', data: '{"a":1}' }
    yield { event: 'end', id: 'end', data: '{}' }
  })
  const client = await openStream(t, url)
  t.ok(await client.closed)
  t.match(client, { status: 200, headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'close' } })
  t.same(client.events, [{ event: 'log', id: '1', data: '{"a":1}' }, { event: 'end', id: 'end', data: '{}' }])
  await eventually(() => app.eventStreams.open === 0, 'no stream is counted')
})

t.test('who has everything is answered with 204', async t => {
  const { url } = await serve(t, null)
  t.equal((await fetch(url)).status, 204)
})

t.test('a quiet stream has its headers at once, and comments that show that it lives', async t => {
  t.match(await openStream(t, (await serve(t, quiet())).url), { status: 200, events: [], comments: [] })
  const { url } = await serve(t, quiet(), { heartbeatMs: 5 })
  const client = await openStream(t, url)
  await eventually(() => client.comments.length >= 3, 'three comments')
  t.same(client.events, [])
})

t.test('a client that hangs up ends its source at once', async t => {
  let ended = 0
  const { app, url, logged } = await serve(t, quiet(() => { ended++ }, 1))
  const clients = await Promise.all(Array.from({ length: 20 }, async () => await openStream(t, url)))
  for (const client of clients) await client.event(() => true, 'an event')
  t.equal(app.eventStreams.open, 20)
  for (const client of clients) client.leave()
  await eventually(() => ended === 20 && app.eventStreams.open === 0, 'all are ended', 10_000)
  t.same(logged, [], 'which is nothing to warn of')
})

t.test('a client that stops reading is asked for nothing more, and goes on where it stopped', async t => {
  let made = 0
  const { url } = await serve(t, endless(() => { made++ }))
  const client = await openStream(t, url)
  await eventually(() => client.events.length > 10, 'some events')
  client.pause()
  await atRest(() => made)
  const seen = client.events.length
  client.resume()
  await eventually(() => client.events.length > seen + 200, 'more events')
  t.same(client.events.slice(0, seen + 200).map(({ id }) => id), Array.from({ length: seen + 200 }, (_, at) => String(at + 1)))
})

t.test('a client that hangs up while it does not read ends its source too', async t => {
  let [made, ended] = [0, false]
  const { app, url } = await serve(t, endless(() => { made++ }, () => { ended = true }))
  const client = await openStream(t, url)
  client.pause()
  await atRest(() => made)
  client.leave()
  await eventually(() => ended && app.eventStreams.open === 0, 'it is ended', 10_000)
})

t.test('a client that takes nothing for too long is cut off', async t => {
  let ended = false
  const { app, url } = await serve(t, endless(() => {}, () => { ended = true }), { stalledMs: 100 })
  const client = await openStream(t, url)
  client.pause()
  await eventually(() => ended && app.eventStreams.open === 0, 'it is cut off', 20_000)
  client.resume()
  t.notOk(await client.closed, 'it can tell that there was more')
})

t.test('the server closes although streams are open, whether they are read or not', async t => {
  let [made, ended] = [0, 0]
  const sources = [quiet(() => { ended++ }, 1), endless(() => { made++ }, () => { ended++ })]
  const { app, url } = await serve(t, signal => (sources.shift() ?? quiet())(signal))
  const waiting = await openStream(t, url)
  await waiting.event(() => true, 'an event')
  const stuck = await openStream(t, url)
  stuck.pause()
  await atRest(() => made)
  const begun = performance.now()
  await app.close()
  const tookMs = performance.now() - begun
  t.ok(tookMs < 2000, `it took ${Math.round(tookMs)} ms`)
  t.equal(ended, 2)
  t.ok(await waiting.closed, 'who reads is told in due form')
})

t.test('a source that fails is reported, and its client can tell', async t => {
  const received = Promise.withResolvers<void>()
  const { app, url, logged } = await serve(t, async function * () {
    yield { event: 'log', id: '1', data: '{}' }
    await received.promise
    throw new Error('the disk is gone')
  })
  const client = await openStream(t, url)
  await client.event(() => true, 'an event')
  received.resolve()
  t.notOk(await client.closed)
  t.equal(client.events.some(({ event }) => event === 'end'), false)
  t.equal(logged.length, 1)
  t.match(logged[0], /the disk is gone/)
  await eventually(() => app.eventStreams.open === 0, 'no stream is counted')
})

t.test('a stream ends with the credential it was opened with', async t => {
  const [credential, ended] = [new AbortController(), Promise.withResolvers<void>()]
  const { app, url } = await serve(t, quiet(ended.resolve, 1), {}, credential.signal)
  const stream = await openStream(t, url)
  await stream.event(({ id }) => id === '1', 'the first event')
  credential.abort()
  t.equal(await stream.closed, true, 'in due form')
  await ended.promise
  t.equal(app.eventStreams.open, 0)
  const late = await openStream(t, url)
  t.equal(await late.closed, true, 'one that has ended already opens nothing')
})
