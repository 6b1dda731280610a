/** The launcher: a small process that begins others for the service, whose own memory makes forking slow. Ends with it. */
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { begin, exitOf, type Pipes } from './launch.ts'
import { openingLine, readMessages, sendMessage, type LaunchOrder } from './launcher-messages.ts'
import { readStat } from './proc-stat.ts'

/** Connections kept ready, so that none has to be made while somebody waits. */
const readyStreams = 16

interface Stream { number: number, socket: Socket }

/** Connections to the service that become the pipes of what is begun. */
function createStreams (path: string, word: string) {
  const ready: Promise<Stream>[] = []
  let number = 0

  async function open (): Promise<Stream> {
    const mine = number++
    return await new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.write(openingLine(word, { type: 'stream', number: mine }), () => resolve({ number: mine, socket }))
      })
      socket.once('error', reject)
    })
  }

  function refill (): void {
    while (ready.length < readyStreams) {
      const stream = open()
      // Told to whoever takes it.
      stream.catch(() => {})
      ready.push(stream)
    }
  }

  refill()
  return {
    async take (count: number): Promise<Stream[]> {
      const taken = ready.splice(0, count)
      refill()
      return await Promise.all(taken)
    }
  }
}

async function carryOut (control: Socket, streams: ReturnType<typeof createStreams>, { id, request }: LaunchOrder): Promise<void> {
  const taken = await streams.take((request.input === 'pipe' ? 1 : 0) + (request.output === 'pipe' ? 2 : 0))
  const numbers = taken.map(stream => stream.number)
  const failed = (error: unknown): void => {
    const { code = null, message = String(error) } = error as NodeJS.ErrnoException
    sendMessage(control, { type: 'failed', id, code, message, streams: numbers })
  }
  let child: ChildProcess
  try {
    child = begin(request, pipesOf(request, taken))
  } catch (error) {
    return failed(error)
  } finally {
    // The child has its own copies by now; these would keep the pipes open when it ends.
    for (const { socket } of taken) socket.destroy()
  }
  child.once('error', failed)
  if (child.pid === undefined) return
  // Before the event loop turns, as in `launchHere`.
  sendMessage(control, { type: 'begun', id, pid: child.pid, startTime: readStat(child.pid)?.startTime ?? '', streams: numbers })
  sendMessage(control, { type: 'ended', id, exit: await exitOf(child) })
}

function pipesOf ({ input }: LaunchOrder['request'], taken: readonly Stream[]): Pipes {
  const [first, second, third] = [...(input === 'pipe' ? [] : ['pipe' as const]), ...taken.map(({ socket }) => socket)]
  return [first ?? 'pipe', second ?? 'pipe', third ?? 'pipe']
}

const service = process.ppid
const [path = '', word = ''] = (await text(process.stdin)).split('\n')
const control = connect(path, () => { control.write(openingLine(word, { type: 'control' })) })
control.on('error', () => {}) // `close` follows.
control.once('close', () => {
  // A service that was killed could not do it.
  rmSync(dirname(path), { recursive: true, force: true })
  process.exit()
})
const streams = createStreams(path, word)
readMessages<LaunchOrder>(control, async order => {
  // Nothing more is begun for a service that was killed: its successor may have looked for what there is already.
  if (process.ppid === service) await carryOut(control, streams, order)
})
