/** The line to one launcher process: orders go out, what became of them comes back, and with it the pipes of what was begun. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { keep, LauncherLost, type Launch, type Launched, type ProcessExit } from './launch.ts'
import { readMessages, readOpening, sendMessage, type LauncherWord, type Purpose } from './launcher-messages.ts'
import { settlesWithin } from './settles-within.ts'
import { isAlive } from './tree.ts'
import { until } from './until.ts'

export interface LauncherLink {
  launch: Launch
  /** Resolves when the launcher has gone, also by itself; never rejects. */
  gone: Promise<void>
  /** Ends the launcher; what it has begun goes on. */
  close (): Promise<void>
}

/** One end of a pipe to a process, as its connection came in. */
interface Stream { socket: Socket, kept: PassThrough }

interface Waiting {
  begun (word: Extract<LauncherWord, { type: 'begun' }>): void
  failed (error: Error): void
  ended (exit: ProcessExit): void
}

/** This file's own ending: a build has the launcher's as `.js`. */
const program = fileURLToPath(new URL(`launcher-process${extname(fileURLToPath(import.meta.url))}`, import.meta.url))
/** Little memory is the whole point: with a small young generation, forking stays cheap. */
const nodeOptions = ['--max-semi-space-size=1']
/** A Node process starts in a tenth of this, also on a busy machine. */
const startWithinMs = 20_000
/** It has nothing to finish when its line is closed. */
const endWithinMs = 2_000

/** Starts a launcher process. @throws Error when it doesn't come up */
export async function openLauncherLink (): Promise<LauncherLink> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-launcher-'))
  const word = randomBytes(16).toString('hex')
  const connections = createConnections(word)
  const server = createServer(connections.accept)
  try {
    const path = join(folder, 'socket')
    server.listen(path).unref()
    await once(server, 'listening')
    const ended = startProgram(`${path}\n${word}`)
    const up = Promise.race([connections.control, ended.then(() => { throw new Error('the process that begins others ended at once') })])
    if (!await settlesWithin(up, startWithinMs)) throw new Error('the process that begins others did not answer')
    return createLink({ control: await connections.control, connections, ended, release: async () => await release(server, folder) })
  } catch (error) {
    await release(server, folder)
    throw error
  }
}

/** Resolves when it has ended. */
function startProgram (input: string): Promise<void> {
  // In a session of its own: a Ctrl+C meant for the service must not end what it still needs. Its environment is nobody's.
  const child = spawn(process.execPath, [...nodeOptions, program], { env: {}, detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.on('error', () => {}) // It has ended, then.
  child.stdin.end(input)
  child.unref()
  return new Promise(resolve => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
}

async function release (server: Server, folder: string): Promise<void> {
  server.close()
  await rm(folder, { recursive: true, force: true })
}

/** Takes connections in and keeps them by what they are for. Who doesn't know the word is hung up on. */
function createConnections (word: string) {
  const control = Promise.withResolvers<Socket>()
  const streams = new Map<number, PromiseWithResolvers<Stream>>()
  const sockets = new Set<Socket>()

  function streamOf (number: number): PromiseWithResolvers<Stream> {
    const known = streams.get(number) ?? Promise.withResolvers<Stream>()
    streams.set(number, known)
    return known
  }

  function open (socket: Socket, purpose: Purpose | null, rest: Buffer): void {
    if (purpose === null) {
      socket.destroy()
      return
    }
    if (purpose.type === 'control') {
      control.resolve(socket)
      return
    }
    const kept = keep(socket)
    if (rest.length > 0) kept.write(rest)
    streamOf(purpose.number).resolve({ socket, kept })
  }

  return {
    control: control.promise,
    accept (socket: Socket): void {
      socket.unref()
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => {}) // `close` follows; a program may end without reading everything.
      socket.once('data', (first: Buffer) => {
        const end = first.indexOf(10)
        open(socket, end === -1 ? null : readOpening(first.toString('latin1', 0, end), word), first.subarray(end + 1))
      })
    },
    /** The stream of this number, for good; waits where its connection is still on the way. */
    async take (number: number): Promise<Stream> {
      const stream = await streamOf(number).promise
      streams.delete(number)
      stream.socket.ref()
      return stream
    },
    /** Hangs up on all that belong to no process. */
    closeUntaken (): void {
      for (const { promise } of streams.values()) promise.then(({ socket }) => socket.destroy())
      streams.clear()
    }
  }
}

interface LinkParts {
  control: Socket
  connections: ReturnType<typeof createConnections>
  /** Resolves when the launcher process has ended. */
  ended: Promise<unknown>
  release (): Promise<void>
}

function createLink ({ control, connections, ended, release }: LinkParts): LauncherLink {
  const waiting = new Map<number, Waiting>()
  const holding = new Set<number>()
  let lastId = 0
  let isClosed = false

  readMessages<LauncherWord>(control, word => {
    const told = waiting.get(word.id)
    if (word.type === 'begun') return told?.begun(word)
    waiting.delete(word.id)
    letGo(word.id)
    if (word.type === 'ended') return told?.ended(word.exit)
    for (const number of word.streams) connections.take(number).then(({ socket }) => socket.destroy())
    told?.failed(Object.assign(new Error(word.message), word.code === null ? {} : { code: word.code }))
  })

  const gone = new Promise(resolve => control.once('close', resolve)).then(async () => {
    isClosed = true
    connections.closeUntaken()
    for (const told of waiting.values()) told.failed(new LauncherLost('the process that begins others ended'))
    waiting.clear()
    await release()
  })

  /** This process stays up only for what somebody waits for. */
  function letGo (id: number): void {
    holding.delete(id)
    if (holding.size === 0) control.unref()
  }

  const launch: Launch = async request => {
    if (isClosed) throw new LauncherLost('the process that begins others has ended')
    const id = ++lastId
    const begun = Promise.withResolvers<Extract<LauncherWord, { type: 'begun' }>>()
    const exit = Promise.withResolvers<ProcessExit | null>()
    waiting.set(id, { begun: begun.resolve, ended: exit.resolve, failed: error => { begun.reject(error); exit.resolve(null) } })
    holding.add(id)
    control.ref()
    sendMessage(control, { id, request })
    const { pid, startTime, streams } = await begun.promise
    const taken = await Promise.all(streams.map(connections.take))
    return { ...pipesOf(request.input === 'pipe', taken), pid, startTime, exited: seen(exit.promise, { pid, startTime }), unref: () => unref(id, taken) }
  }

  function unref (id: number, taken: readonly Stream[]): void {
    for (const { socket } of taken) socket.unref()
    letGo(id)
  }

  return {
    launch,
    gone,
    async close () {
      control.end()
      if (!await settlesWithin(ended, endWithinMs)) control.destroy()
      await gone
    }
  }
}

function pipesOf (hasInput: boolean, taken: Stream[]): Pick<Launched, 'stdin' | 'stdout' | 'stderr'> {
  const [input, output, errors] = hasInput ? taken : [undefined, ...taken]
  // What a program writes to its own standard input is nobody's to read.
  input?.kept.resume()
  return { stdin: input?.socket ?? null, stdout: output?.kept ?? null, stderr: errors?.kept ?? null }
}

/** The exit as the launcher saw it; with that gone, only that the process has ended can be seen, as of an adopted one. */
async function seen (exit: Promise<ProcessExit | null>, identity: { pid: number, startTime: string }): Promise<ProcessExit> {
  const told = await exit
  if (told !== null) return told
  await until(() => !isAlive(identity), { firstMs: 10, maxMs: 250, withinMs: Infinity })
  return { code: null, signal: null }
}
