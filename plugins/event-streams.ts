/** Server-sent events as `app.eventStreams`: each reader at its own pace, ended with the client, with what it came in with, or the service. */
import { fastifySSE } from '@fastify/sse'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { actorKey } from '../services/access/actor.ts'
import { TooManyRequests } from '../services/errors.ts'
import { settlesWithin } from '../services/process/settles-within.ts'

export interface StreamEvent {
  event: string
  id: string
  /** Text in one line, such as JSON. */
  data: string
}

/** Makes the events as they are asked for, until the signal aborts. */
export type EventSource = (signal: AbortSignal) => AsyncIterable<StreamEvent>

export interface EventStreams {
  /**
   * Sends the events as the answer and resolves when they have ended or the client is gone. The next event is asked
   * for when the client has taken the one before. Null is answered with 204, which tells a browser to stop asking.
   * @throws TooManyRequests (429) when the actor has as many open as one may have
   */
  send (reply: FastifyReply, source: EventSource | null): Promise<FastifyReply>
  /** How many are open. */
  readonly open: number
}

declare module 'fastify' {
  interface FastifyInstance { eventStreams: EventStreams }
}

export interface EventStreamsOptions {
  /** A comment is sent this often, so that a proxy does not take a quiet stream for a dead one. */
  heartbeatMs?: number
  /** A client that takes nothing for so long is cut off; it can come back and go on. */
  stalledMs?: number
  /** Streams one actor may have open; 0: any number. */
  maxPerActor?: number
}

/** When the service ends, streams that come to an end by themselves have this time for it. */
const lastWordMs = 200
/** Then clients have this time to take what was sent; the server's own close cuts off those that have not. */
const farewellMs = 500

interface OpenStream {
  /** Whose it is; empty where nobody counts. */
  owner: string
  over: AbortController
  cut: () => void
  /** Resolves once its connection is closed. */
  closed: Promise<void>
}

export default fp<EventStreamsOptions>(async (app, { heartbeatMs = 15_000, stalledMs = 600_000, maxPerActor = 0 }) => {
  const streams = new Set<OpenStream>()
  let ending = false
  await app.register(fastifySSE, { heartbeatInterval: heartbeatMs, serializer: String })

  const ownerOf = (reply: FastifyReply) => maxPerActor === 0 ? '' : actorKey(reply.request.actor)

  function requireRoom (reply: FastifyReply): void {
    if (maxPerActor === 0) return
    const owner = ownerOf(reply)
    const count = [...streams].filter(stream => stream.owner === owner).length
    if (count >= maxPerActor) throw new TooManyRequests(`You have ${count} streams open, which is as many as one may have. Close one first.`, { headers: { 'retry-after': '5' } })
  }

  /** Keeps count of the answer until its connection is closed. */
  function track (reply: FastifyReply): OpenStream {
    const { raw, sse } = reply
    const closed = Promise.withResolvers<void>()
    const stream: OpenStream = { owner: ownerOf(reply), over: new AbortController(), cut: () => { raw.destroy() }, closed: closed.promise }
    streams.add(stream)
    sse.onClose(() => stream.over.abort())
    const credential = app.credentialEnds.watch(reply.request.actor)
    if (credential.signal.aborted) stream.over.abort()
    credential.signal.addEventListener('abort', () => stream.over.abort())
    raw.once('close', () => {
      credential.release()
      streams.delete(stream)
      closed.resolve()
    })
    return stream
  }

  async function send (reply: FastifyReply, source: EventSource | null): Promise<FastifyReply> {
    if (source === null) return reply.code(204).send()
    requireRoom(reply)
    const { sse } = reply
    // From here on the answer is ours to end; Fastify's own way would see a fault in a client that hung up.
    reply.hijack()
    if (!sse.isConnected) return reply
    const { over, cut } = track(reply)
    if (ending) over.abort()
    // A connection of its own: it is closed with the stream, and so never keeps the service from ending.
    reply.header('connection', 'close')
    sse.sendHeaders()
    // Else they would wait for the first event.
    reply.raw.flushHeaders()
    try {
      for await (const event of source(over.signal)) {
        if (await taken(sse.send(event), over.signal, stalledMs)) continue
        if (!over.signal.aborted) cut()
        break
      }
    } catch (error) {
      reply.log.error({ err: error }, 'a stream was cut off')
      cut()
    }
    return reply
  }

  app.addHook('preClose', async () => {
    const all = [...streams]
    const closed = Promise.all(all.map(stream => stream.closed))
    // What was followed may just have been ended by this very close: its followers are told how.
    await settlesWithin(closed, lastWordMs)
    ending = true
    for (const { over } of streams) over.abort()
    await settlesWithin(closed, farewellMs)
  })
  app.decorate('eventStreams', { send, get open () { return streams.size } })
}, { name: 'event-streams', dependencies: ['operations', 'auth', 'credential-ends'] })

/** True once the client has room for more. The library's promise stays open when a client goes away while it has none. */
async function taken (sent: Promise<void>, signal: AbortSignal, withinMs: number): Promise<boolean> {
  const given = Promise.withResolvers<boolean>()
  const giveUp = () => given.resolve(false)
  const late = setTimeout(giveUp, withinMs)
  signal.addEventListener('abort', giveUp)
  sent.then(() => given.resolve(!signal.aborted), giveUp)
  try {
    return await given.promise
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', giveUp)
  }
}
