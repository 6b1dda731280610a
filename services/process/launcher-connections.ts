/** The connections a launcher makes to the service: its line, and one for each pipe of what it begins. */
import type { Socket } from 'node:net'
import type { PassThrough } from 'node:stream'
import { keep } from './launch.ts'
import { readOpening, type Purpose } from './launcher-messages.ts'

/** One end of a pipe to a process, as its connection came in. */
export interface Stream { socket: Socket, kept: PassThrough }

export interface Connections {
  /** The launcher's line, once it has come. */
  control: Promise<Socket>
  /** Takes one in. Who doesn't know the word is hung up on. */
  accept (socket: Socket): void
  /** The stream of this number, for good; waits where its connection is still on the way. */
  take (number: number): Promise<Stream>
  /** Hangs up on all that belong to no process. */
  closeUntaken (): void
}

/** @param word known to the launcher alone */
export function createConnections (word: string): Connections {
  const control = Promise.withResolvers<Socket>()
  const streams = new Map<number, PromiseWithResolvers<Stream>>()

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
    accept (socket) {
      socket.unref()
      socket.on('error', () => {}) // `close` follows; a program may end without reading everything.
      socket.once('data', (first: Buffer) => {
        const end = first.indexOf(10)
        open(socket, end === -1 ? null : readOpening(first.toString('latin1', 0, end), word), first.subarray(end + 1))
      })
    },
    async take (number) {
      const stream = await streamOf(number).promise
      streams.delete(number)
      stream.socket.ref()
      return stream
    },
    closeUntaken () {
      for (const { promise } of streams.values()) promise.then(({ socket }) => socket.destroy())
      streams.clear()
    }
  }
}
