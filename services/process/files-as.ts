/** Work on files as another user, by a process that has become it: the kernel judges each call as one of that user's own. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildUser } from './child-user.ts'
import { packed, unpacked, type FileAnswer, type FileCall, type FileRequest } from './file-messages.ts'
import type { Files } from './files.ts'

export interface FilesAs extends Files {
  /** Ends the process; calls that are under way fail. */
  close (): Promise<void>
}

interface Waiting {
  resolve (value: unknown): void
  reject (error: Error): void
}

interface Hand {
  child: ChildProcess
  waiting: Map<number, Waiting>
}

// The text of a module is compiled or not, as this one is.
const program = new URL(`./file-hand${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

/**
 * Files as `user` works on them. Needs root. The process is started when it is first needed, and again if it was ended: a
 * command of the same user can do that, and no more.
 */
export function createFilesAs (user: ChildUser): FilesAs {
  let hand: Hand | null = null
  let calls = 0

  function start (): Hand {
    const child = fork(fileURLToPath(program), [String(user.uid), String(user.gid)], {
      cwd: '/',
      // A Ctrl+C meant for the service must not end what its last steps need.
      detached: true,
      // Work handed to the kernel's rings would still be done as root, see CVE-2024-22017.
      env: { UV_USE_IO_URING: '0' },
      execArgv: [],
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    const started: Hand = { child, waiting: new Map() }
    child.on('message', message => settle(started, message as FileAnswer))
    child.on('error', error => giveUp(started, error))
    child.on('exit', () => giveUp(started, hasEnded()))
    return started
  }

  const hasEnded = (cause?: Error) => new Error(`the process that works on files as ${user.name} has ended`, { cause })

  function giveUp (ended: Hand, error: Error): void {
    if (hand === ended) hand = null
    for (const { reject } of ended.waiting.values()) reject(error)
    ended.waiting.clear()
  }

  async function call (name: FileCall, ...args: unknown[]): Promise<unknown> {
    const asked = (hand ??= start())
    const { child, waiting } = asked
    const id = calls++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(id, { resolve, reject })
    // It keeps this process only while something is waited for.
    child.ref()
    child.channel?.ref()
    const request: FileRequest = { id, call: name, args: args.map(packed) }
    // That it can't be sent is known before the exit is.
    child.send(request, error => { if (error !== null) giveUp(asked, hasEnded(error)) })
    return await promise
  }

  return {
    ...filesBy(call),
    async close () {
      const ended = hand
      if (ended === null) return
      const exited = once(ended.child, 'exit')
      ended.child.ref()
      ended.child.kill('SIGKILL')
      await exited
    }
  }
}

function settle ({ child, waiting }: Hand, answer: FileAnswer): void {
  const waited = waiting.get(answer.id)
  waiting.delete(answer.id)
  if ('error' in answer) waited?.reject(Object.assign(new Error(answer.error.message), answer.error.code === undefined ? {} : { code: answer.error.code }))
  else waited?.resolve(unpacked(answer.value))
  if (waiting.size > 0) return
  child.unref()
  child.channel?.unref()
}

/** Each piece opens the file anew. */
const ownerWrites = 0o200

type Call = (name: FileCall, ...args: unknown[]) => Promise<unknown>

function filesBy (call: Call): Files {
  const done = (name: FileCall) => async (...args: unknown[]) => { await call(name, ...args) }
  const writeFile: Files['writeFile'] = done('writeFile')
  return {
    access: done('access'),
    chmod: done('chmod'),
    copyFile: done('copyFile'),
    mkdir: async (...args) => await call('mkdir', ...args) as string | undefined,
    mkdtemp: async prefix => await call('mkdtemp', prefix) as string,
    readFile: async path => await call('readFile', path) as Buffer,
    rename: done('rename'),
    rm: done('rm'),
    rmdir: done('rmdir'),
    symlink: done('symlink'),
    writeFile,
    async create (path, mode) {
      await writeFile(path, '', { flag: 'wx', mode: mode | ownerWrites })
      return { write: async bytes => await writeFile(path, bytes, { flag: 'a' }), close: async () => {} }
    }
  }
}
