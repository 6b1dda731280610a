/** Runs the service as a process of its own, as a user would, on a free port and a given data dir. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface ServiceProcess {
  /** Where it listens, without a trailing slash. */
  url: string
  pid: number
  /** Ends it with SIGTERM and waits until it is gone; kills it after `withinMs`. */
  stop (withinMs?: number): Promise<void>
  /** Ends it as a crash would. */
  kill (): Promise<void>
}

const serverFile = fileURLToPath(new URL('../server.ts', import.meta.url))

/** Options of Node for a service that lives for a minute: optimising the embedded database would cost more than it brings. */
export const shortLived: readonly string[] = ['--liftoff-only']

/**
 * Starts the service and waits until it says where it listens.
 * @param env variables on top of this process's own; `BERTH_PORT` is 0 (a free one) unless given
 * @param file what to start: `server.ts` unless given, or `server.js` of a build
 * @param nodeArgs options of Node itself; none unless given
 * @throws Error with the service's last output when it ends or says nothing within 60 s
 */
export async function startServiceProcess (env: Record<string, string>, file = serverFile, nodeArgs: readonly string[] = []): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...nodeArgs, file], {
    env: { ...process.env, BERTH_PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: a Ctrl+C in the terminal comes to us alone, and we end it once. A second signal would cut its end short.
    detached: true
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const url = await listeningUrl(child)
  return {
    url,
    pid: child.pid ?? 0,
    async stop (withinMs = 20_000) {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), withinMs)
      await gone
      clearTimeout(late)
    },
    async kill () {
      child.kill('SIGKILL')
      await gone
    }
  }
}

function listeningUrl (child: ChildProcess): Promise<string> {
  const lastLines: string[] = []
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The service did not start: ${why}\n${lastLines.join('\n')}`))
    const timer = setTimeout(() => fail('it said nothing for 60 s'), 60_000)
    child.once('error', error => fail(error.message))
    child.once('exit', code => fail(`it ended with code ${code}`))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      // The streams are read to the end, so that the service never blocks on a full pipe.
      createInterface({ input: stream }).on('line', line => {
        lastLines.push(line)
        if (lastLines.length > 20) lastLines.shift()
        const url = /listens? (?:at|on) (http:\/\/[^\s,"]+)/.exec(line)?.[1]
        if (url === undefined) return
        clearTimeout(timer)
        resolve(url.replace(/\/$/, ''))
      })
    }
  })
}

/** Waits until `/readyz` answers 200. */
export async function untilReady (url: string, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const response = await fetch(`${url}/readyz`).catch(() => null)
    if (response?.status === 200) return
    if (Date.now() > deadline) throw new Error(`${url}/readyz did not answer 200 within ${withinMs} ms; last: ${response?.status ?? 'no answer'}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
