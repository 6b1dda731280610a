/** The line to one launcher process: orders go out, what became of them comes back, and with it the pipes of what was begun. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LauncherLost, type Launch, type Launched, type ProcessExit } from './launch.ts'
import { createConnections, type Connections, type Stream } from './launcher-connections.ts'
import { readMessages, sendMessage, type LauncherWord } from './launcher-messages.ts'
import { settlesWithin } from './settles-within.ts'
import { isAlive } from './tree.ts'
import { until } from './until.ts'

export interface LauncherLink {
  /** False once the launcher has gone: it can't be asked any more. */
  isUp (): boolean
  launch: Launch
  /** Resolves when the launcher has gone, also by itself; never rejects. */
  gone: Promise<void>
  /** Ends the launcher; what it has begun goes on. */
  close (): Promise<void>
}

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

/** Starts a launcher process; one that does not answer within `answerWithinMs` is taken for dead, and killed. @throws Error when it doesn't come up */
export async function openLauncherLink (answerWithinMs: number): Promise<LauncherLink> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-launcher-'))
  const word = randomBytes(16).toString('hex')
  const connections = createConnections(word)
  const server = createServer(connections.accept)
  try {
    const path = join(folder, 'socket')
    server.listen(path).unref()
    await once(server, 'listening')
    const { ended, kill } = startProgram(`${path}\n${word}`)
    const up = Promise.race([connections.control, ended.then(() => { throw new Error('the process that begins others ended at once') })])
    if (!await settlesWithin(up, startWithinMs)) throw new Error('the process that begins others did not answer')
    return createLink({ control: await connections.control, connections, ended, kill, answerWithinMs, release: async () => await release(server, folder) })
  } catch (error) {
    await release(server, folder)
    throw error
  }
}

/** `ended` resolves when it has ended. */
function startProgram (input: string): { ended: Promise<void>, kill: () => void } {
  // In a session of its own: a Ctrl+C meant for the service must not end what it still needs. Its environment is nobody's.
  const child = spawn(process.execPath, [...nodeOptions, program], { env: {}, detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.on('error', () => {}) // It has ended, then.
  child.stdin.end(input)
  child.unref()
  const ended = new Promise<void>(resolve => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  return { ended, kill: () => child.kill('SIGKILL') }
}

async function release (server: Server, folder: string): Promise<void> {
  server.close()
  await rm(folder, { recursive: true, force: true })
}

interface LinkParts {
  control: Socket
  connections: Connections
  /** Resolves when the launcher process has ended. */
  ended: Promise<unknown>
  kill (): void
  answerWithinMs: number
  release (): Promise<void>
}

function createLink ({ control, connections, ended, kill, answerWithinMs, release }: LinkParts): LauncherLink {
  const waiting = new Map<number, Waiting>()
  const holding = new Set<number>()
  let lastId = 0
  let isClosed = false
  let isClosing = false

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

  /** This process stays up only for what somebody waits for; and, while the line is being closed, for that. */
  function letGo (id: number): void {
    holding.delete(id)
    if (holding.size === 0 && !isClosing) control.unref()
  }

  const launch: Launch = async request => {
    const id = ++lastId
    const begun = Promise.withResolvers<Extract<LauncherWord, { type: 'begun' }>>()
    const exit = Promise.withResolvers<ProcessExit | null>()
    waiting.set(id, { begun: begun.resolve, ended: exit.resolve, failed: error => { begun.reject(error); exit.resolve(null) } })
    holding.add(id)
    control.ref()
    sendMessage(control, { id, request })
    const late = setTimeout(kill, answerWithinMs)
    const { pid, startTime, streams } = await begun.promise.finally(() => clearTimeout(late))
    const taken = await Promise.all(streams.map(connections.take))
    return { ...pipesOf(request.input === 'pipe', taken), pid, startTime, exited: seen(exit.promise, { pid, startTime }), unref: () => unref(id, taken) }
  }

  function unref (id: number, taken: readonly Stream[]): void {
    for (const { socket } of taken) socket.unref()
    letGo(id)
  }

  return {
    isUp: () => !isClosed,
    launch,
    gone,
    async close () {
      // Nothing else may keep this process up until it is through: with no reason to go on, it would end in the middle of its own end.
      isClosing = true
      control.ref()
      control.end()
      if (!await settlesWithin(ended, endWithinMs)) kill()
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
