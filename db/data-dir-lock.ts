/** Keeps a second process out of a data dir: a Unix socket in it tells a living holder from a dead one. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { makeDataDir } from './data-dir.ts'

export interface DataDirLock {
  /** Lets the next process in. Safe to call twice. */
  release(): Promise<void>
}

/** Who holds a lock, as it says itself over the socket. */
interface Holder {
  pid: number
  since: string
}

type Answer = Holder | 'dead' | 'silent'

const socketName = 'berth.sock'
// A stopped or overloaded holder is still a holder; this long it may take to say its name.
const answerTimeoutMs = 1_000
// Each attempt ends with a holder, an own lock, or a dead holder less; more means something else is wrong.
const maxAttempts = 20

/** Another process works in the data dir. */
export class DataDirLocked extends Error {
  readonly pid: number | null
  constructor (dataDir: string, holder: Holder | 'silent') {
    const who = holder === 'silent' ? 'another process (it does not answer; is it stopped?)' : `process ${holder.pid} since ${holder.since}`
    super(`The data dir ${dataDir} is in use by ${who}. End that one first, or choose another BERTH_DATA_DIR.`)
    this.name = 'DataDirLocked'
    this.pid = holder === 'silent' ? null : holder.pid
  }
}

function codeOf (error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** Asks the socket at `path` for its holder. */
async function ask (path: string): Promise<Answer> {
  return await new Promise(resolve => {
    let text = ''
    const socket = connect(path)
    const finish = (answer: Answer): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => finish('silent'), answerTimeoutMs)
    socket.setEncoding('utf8')
    socket.on('data', chunk => { text += String(chunk) })
    socket.on('end', () => {
      try {
        finish(JSON.parse(text) as Holder)
      } catch {
        // It lives, whatever it is.
        finish('silent')
      }
    })
    // Nobody listens (any more), or the file is gone. Everything else leaves the question open.
    socket.on('error', error => finish(['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '') ? 'dead' : 'silent'))
  })
}

/** Which socket a name stands for; null when there is none. Linking and unlinking change neither part. */
async function identity (path: string): Promise<string | null> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true })
    return `${ino}-${mtimeNs}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * Gives the listening socket `own` the name `path`, which only one living process can have.
 *
 * A name left by a dead process may be replaced by exactly one process: the one that holds the name
 * `<path>.<identity of the dead socket>`, got by the same rules. Without it two processes that find
 * the same dead socket could each remove the other's fresh one.
 */
async function claim (own: string, path: string, dataDir: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    try {
      await link(own, path)
      return
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const found = await identity(path)
    if (found === null) continue
    const answer = await ask(path)
    if (answer !== 'dead') throw new DataDirLocked(dataDir, answer)
    const right = `${path}.${found}`
    await claim(own, right, dataDir)
    try {
      if (await identity(path) === found) {
        const copy = `${own}.new`
        await link(own, copy)
        await rename(copy, path)
        return
      }
    } finally {
      await rm(right, { force: true })
    }
  }
  throw new Error(`The data dir ${dataDir} can not be locked: ${path} keeps changing`)
}

function createAnswering (holder: Holder): Server {
  const server = createServer(socket => {
    // A process that only asks may be gone before the answer.
    socket.on('error', () => socket.destroy())
    // Not kept open for a client that never hangs up: `release` waits for every connection.
    socket.end(JSON.stringify(holder), () => socket.destroy())
  })
  // The lock ends with the process and must not keep it.
  server.unref()
  return server
}

/**
 * A short name for the folder: a socket's path may have 107 bytes only, and the kernel follows this
 * one to the open folder. Elsewhere than on Linux the path itself must do.
 */
function shortPath (folder: FileHandle, dataDir: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : dataDir
}

/**
 * Locks the data dir for this process until `release` or the end of the process, however it ends.
 * Makes the folder when it is missing.
 * @throws DataDirLocked with the holder's pid and since when it holds it
 */
export async function lockDataDir (dataDir: string): Promise<DataDirLock> {
  await makeDataDir(dataDir)
  const folder = await open(dataDir, constants.O_RDONLY | constants.O_DIRECTORY)
  const base = shortPath(folder, dataDir)
  const own = join(base, `${socketName}.${randomUUID()}`)
  const path = join(base, socketName)
  const server = createAnswering({ pid: process.pid, since: new Date().toISOString() })
  // The listener keeps the folder open as long as the server lives, even if nobody keeps the lock object.
  const closed = new Promise<void>((resolve, reject) => server.once('close', () => { folder.close().then(resolve, reject) }))
  const close = async (): Promise<void> => {
    server.close()
    await closed
  }
  try {
    server.listen(own)
    await once(server, 'listening')
    await claim(own, path, dataDir)
    // The claimed name stays and leads to the same socket.
    await rm(own, { force: true })
  } catch (error) {
    await rm(own, { force: true })
    await close()
    throw error
  }
  let releasing: Promise<void> | null = null
  return {
    release: () => (releasing ??= rm(path, { force: true }).then(close))
  }
}
