/** What this service and its launcher say to each other: lines of JSON over a socket. */
import type { Socket } from 'node:net'
import type { LaunchRequest, ProcessExit } from './launch.ts'

/** To the launcher. */
export interface LaunchOrder {
  id: number
  request: LaunchRequest
}

/** From the launcher. A stream is named by the number its own connection opened with. */
export type LauncherWord =
  | { type: 'begun', id: number, pid: number, startTime: string, streams: readonly number[] }
  | { type: 'failed', id: number, code: string | null, message: string, streams: readonly number[] }
  | { type: 'ended', id: number, exit: ProcessExit }

/** Each connection opens with a line: the word only the two know, and what it is for. */
export type Purpose = { type: 'control' } | { type: 'stream', number: number }

export function openingLine (word: string, purpose: Purpose): string {
  return `${word} ${purpose.type === 'control' ? 'control' : purpose.number}\n`
}

/** What a connection is for; null for one of somebody else. */
export function readOpening (line: string, word: string): Purpose | null {
  const [said, what] = line.split(' ')
  if (said !== word || what === undefined) return null
  return what === 'control' ? { type: 'control' } : { type: 'stream', number: Number(what) }
}

/** Calls `onMessage` with each line's JSON; the other side is the same release of the same code. */
export function readMessages<T> (socket: Socket, onMessage: (message: T) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onMessage(JSON.parse(line) as T)
  })
}

export function sendMessage (socket: Socket, message: LaunchOrder | LauncherWord): void {
  socket.write(`${JSON.stringify(message)}\n`)
}
