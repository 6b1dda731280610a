/** One look at whether a service is ready or healthy: by HTTP, by connecting, in its log, by a command. */
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type LookupFunction, type Socket } from 'node:net'
import { devNull } from 'node:os'
import type { ChildUser } from '../process/child-user.ts'
import { launchHere, type Launch } from '../process/launch.ts'
import { spawnProcess } from '../process/spawn.ts'
import { terminate } from '../process/terminate.ts'
import { markVariable } from '../process/tree.ts'
import { createLogSearch } from './log-search.ts'

export type Probe =
  | { type: 'http', url: string }
  | { type: 'tcp', port: number, host?: string }
  /** `fromByte`: where this start's lines begin in the log, so that an older start's line doesn't count. */
  | { type: 'log', pattern: string, logPath: string, fromByte?: number }
  /** Ready when the command exits with 0. Its environment carries a mark, like everything started; `user` is whom it runs as. */
  | {
    type: 'command'
    command: string
    cwd: string
    env: Record<string, string>
    user?: ChildUser | null
    /** Asked before each look: throws when nothing may be run in `cwd` any more. */
    requireFolder?: () => Promise<void>
  }

export interface ProbeResult {
  ok: boolean
  /** In words: "GET http://… answered 503". */
  seen: string
}

export interface RunningProbe {
  /**
   * Never throws; ends early, as not ok, when the signal aborts.
   * @param onConnected told when somebody on the probed port has accepted, before the answer is there
   */
  look (signal: AbortSignal, onConnected?: () => void): Promise<ProbeResult>
  /** Ends what a look left running. */
  close (): Promise<void>
}

/** A server that accepts but does not answer within this is asked anew. */
const attemptMs = 10_000
/** A server that does not close its side of a probe's connection within this is hung up on. */
const goodbyeMs = 1_000
/** A probe's command gets no long farewell. */
const commandGraceMs = 500

/** @param launch what a probe's command is begun by */
export function createProbe (probe: Probe, launch: Launch = launchHere): RunningProbe {
  switch (probe.type) {
    case 'http': return withoutClose((signal, onConnected) => lookByHttp(probe.url, signal, onConnected))
    case 'tcp': return withoutClose(signal => lookByConnecting(probe, signal))
    case 'log': return withoutClose(lookInLog(probe))
    case 'command': return lookByCommand(probe, launch)
  }
}

function withoutClose (look: RunningProbe['look']): RunningProbe {
  return { look: async (signal, onConnected) => await withinAttempt(signal, async limited => await look(limited, onConnected)), close: async () => {} }
}

/** With a signal that aborts with the given one, or when the time of an attempt is over. Made of plain parts: with 200 services asked, `AbortSignal.any` shows. */
async function withinAttempt (signal: AbortSignal, look: (limited: AbortSignal) => Promise<ProbeResult>): Promise<ProbeResult> {
  const controller = new AbortController()
  const giveUp = () => controller.abort(signal.reason)
  const timer = setTimeout(giveUp, attemptMs).unref()
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp)
  try {
    return await look(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Any answer below 400 counts, redirects included: the server is up and sends the visitor somewhere. */
async function lookByHttp (url: string, signal: AbortSignal, onConnected: () => void = () => {}): Promise<ProbeResult> {
  if (!URL.canParse(url)) return { ok: false, seen: `${url} is not a URL` }
  const target = new URL(url)
  const { protocol } = target
  if (protocol !== 'http:' && protocol !== 'https:') return { ok: false, seen: `${url} is not an HTTP URL` }
  try {
    // While a server boots it refuses many times; to be refused a connection takes a third of being refused a request.
    const socket = protocol === 'http:' ? await openConnection(target, signal, onConnected) : null
    const status = await statusOf(url, socket, signal, onConnected)
    return { ok: status >= 100 && status < 400, seen: `GET ${url} answered ${status}` }
  } catch (error) {
    return { ok: false, seen: `GET ${url} failed: ${reasonOf(error)}` }
  }
}

/** The status of one answer, over the socket or, without one, a connection of its own. Rejects with what went wrong. */
async function statusOf (url: string, socket: Socket | null, signal: AbortSignal, onConnected: () => void): Promise<number> {
  return await new Promise((resolve, reject) => {
    const way = socket === null ? { agent: false as const, ...lookupOf(new URL(url)) } : { createConnection: () => socket }
    // A dev server's own certificate is not ours to judge.
    const options = { ...way, signal, rejectUnauthorized: false, headers: { accept: '*/*', connection: 'close' } }
    const request = (socket === null ? httpsRequest : httpRequest)(url, options, response => {
      // The answer's head is enough; the body may be an endless stream.
      response.once('error', () => {})
      response.destroy()
      resolve(response.statusCode ?? 0)
    })
    // Without a listener, an answer that changes the protocol (101) would end neither as an answer nor as an error.
    request.once('upgrade', (response, upgraded) => {
      upgraded.destroy()
      resolve(response.statusCode ?? 0)
    })
    if (socket === null) request.once('socket', made => made.once('connect', onConnected))
    // Destroying the response may report a reset after the answer was taken: that rejects nothing any more.
    request.on('error', reject)
    request.once('close', () => reject(new Error('it was closed without an answer')))
    request.end()
  })
}

/** Rejects when nobody accepts, or with an AbortError. */
async function openConnection (target: URL, signal: AbortSignal, onConnected: () => void): Promise<Socket> {
  const { hostname, port } = target
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), signal, ...lookupOf(target) })
    socket.once('connect', () => {
      onConnected()
      resolve(socket)
    })
    // After that the request is told of it.
    socket.on('error', reject)
  })
}

/** `localhost` is both loopback addresses (RFC 6761), also where the hosts file knows only one. */
function lookupOf ({ hostname }: URL): { lookup?: LookupFunction } {
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) return {}
  return {
    lookup: (_hostname, options, give) => {
      if (options.all) give(null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }])
      else give(null, '127.0.0.1', 4)
    }
  }
}

async function lookByConnecting ({ host, port }: { host?: string, port: number }, signal: AbortSignal): Promise<ProbeResult> {
  const addresses = host === undefined ? ['127.0.0.1', '::1'] : [host]
  let seen = ''
  for (const address of addresses) {
    const failure = await connectOnce(address, port, signal)
    if (failure === null) return { ok: true, seen: `connected to ${address} port ${port}` }
    seen ||= `connecting to ${address} port ${port} failed: ${failure}`
  }
  return { ok: false, seen }
}

/** Null when it worked, else why not. */
async function connectOnce (host: string, port: number, signal: AbortSignal): Promise<string | null> {
  if (signal.aborted) return 'not tried any more'
  return await new Promise(resolve => {
    const socket = connect({ host, port })
    const give = (result: string | null) => {
      signal.removeEventListener('abort', giveUp)
      if (result === null) sayGoodbye(socket)
      else socket.destroy()
      resolve(result)
    }
    const giveUp = () => give('no answer in time')
    signal.addEventListener('abort', giveUp)
    socket.once('connect', () => give(null))
    socket.on('error', error => give(reasonOf(error)))
  })
}

/** Closing with a greeting unread would reset the connection, and a simple server may fall over that. */
function sayGoodbye (socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), goodbyeMs).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.unref().resume().end()
}

function lookInLog ({ pattern, logPath, fromByte = 0 }: { pattern: string, logPath: string, fromByte?: number }): RunningProbe['look'] {
  const search = createLogSearch({ path: logPath, pattern, fromByte })
  return async () => {
    try {
      const line = await search.next()
      return line === null ? { ok: false, seen: `no line of the log matches ${pattern} yet` } : { ok: true, seen: `the log says: ${line}` }
    } catch (error) {
      return { ok: false, seen: `the log can not be searched: ${reasonOf(error)}` }
    }
  }
}

function lookByCommand ({ command, cwd, env, user = null, requireFolder = async () => {} }: Extract<Probe, { type: 'command' }>, launch: Launch): RunningProbe {
  let ending: Promise<unknown> = Promise.resolve()

  async function look (signal: AbortSignal): Promise<ProbeResult> {
    // A mark of its own: by the service's, ending the probe would end the service.
    const mark = `${env[markVariable] ?? ''}.probe.${randomUUID()}`
    try {
      await requireFolder()
      const probe = await spawnProcess({ command, cwd, env: { ...env, [markVariable]: mark }, output: { toFile: devNull }, user }, { launch })
      const exit = await Promise.race([probe.exited, aborted(AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]))])
      ending = terminate({ root: probe, mark, graceMs: commandGraceMs })
      await ending
      if (exit === null) return { ok: false, seen: `the probe's command did not end: ${command}` }
      return { ok: exit.code === 0, seen: `the probe's command ended with ${exit.code ?? exit.signal}` }
    } catch (error) {
      return { ok: false, seen: reasonOf(error) }
    }
  }

  return { look, close: async () => { await ending } }
}

async function aborted (signal: AbortSignal): Promise<null> {
  if (signal.aborted) return null
  return await new Promise(resolve => signal.addEventListener('abort', () => resolve(null), { once: true }))
}

/** Node's AggregateError (both address families failed) has an empty message; its code speaks. */
function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time'
  return error.message || ('code' in error ? String(error.code) : error.name)
}
