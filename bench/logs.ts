/** Followed logs: how long a line takes to its readers, what many readers cost, what a flood costs. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createClient, type Call } from '../cli/client.ts'
import { openStream, type SseEvent } from '../test/fixtures/sse.ts'
import type { Result } from './report.ts'

const lines = 400
const delayReaders = 20
const manyReaders = 500
const floodBytes = 100_000_000

/** Prints the time, on a clock that all processes share, every 20 ms. Waits a moment first, so that all readers are there. */
const talker = `const say = left => { console.log('at ' + process.hrtime.bigint()); if (left > 1) setTimeout(say, 20, left - 1) }
setTimeout(say, 2000, ${lines})`

interface Place {
  call: Call
  serviceUrl: string
  /** Of the process of the service. */
  pid: number
  /** An execution workspace's path. */
  path: string
  folder: string
}

/** @param cwd a folder for programs and their output, made if it is not there */
export async function measureLogs (serviceUrl: string, pid: number, cwd: string): Promise<Result[]> {
  const call = createClient(serviceUrl)
  await mkdir(cwd, { recursive: true })
  await writeFile(join(cwd, 'talker.cjs'), talker)
  const place = { call, serviceUrl, pid, folder: cwd, path: await makeWorkspace(call, cwd) }
  const floorMs = await tailDelays(place)
  return [
    delays('line of a service to 20 readers, p99', await serviceDelays(place), floorMs),
    delays('line of a job to 20 readers, p99', await jobDelays(place), floorMs),
    await floodMemory(place),
    await readersMemory(place)
  ]
}

async function makeWorkspace (call: Call, cwd: string): Promise<string> {
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  const flood = `sleep 1; yes 'a line of a program that prints much and thinks little of who is to read it' | head -c ${floodBytes}; echo; echo all is said; exec sleep 600`
  await call('PUT', `/api/companies/${companyId}`, { name: 'Bench logs' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Bench logs' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, {
    name: 'Main',
    cwd,
    isPrimary: true,
    runtimeConfig: {
      commands: [
        { name: 'talker', command: 'exec node talker.cjs' },
        { name: 'quiet', command: 'exec sleep 600' },
        { name: 'flood', command: flood, log: { maxBytes: 2 * floodBytes } },
        { name: 'job', kind: 'job', command: 'exec node talker.cjs' }
      ]
    }
  })
  const { body } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, name: 'Logs' })
  return `/api/execution-workspaces/${body.id}`
}

/** Milliseconds since each time that the text tells. */
function delaysIn (text: string): number[] {
  const now = process.hrtime.bigint()
  // In the JSON of an event a line may follow another, behind its `\\n`.
  return [...text.matchAll(/(?:\b|\\n)at (\d+)/g)].map(([, at = '0']) => Number(now - BigInt(at)) / 1e6)
}

const p99 = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN

/** The p99 of the delays at `tail -f`, which follows a file by the same means of the kernel. */
async function tailDelays ({ folder }: Place): Promise<number> {
  const path = join(folder, 'floor.log')
  await writeFile(path, '')
  const tail = spawn('tail', ['-f', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const seen: number[] = []
  createInterface({ input: tail.stdout }).on('line', line => seen.push(...delaysIn(line)))
  const writer = spawn('sh', ['-c', 'exec node talker.cjs >> floor.log'], { cwd: folder, stdio: 'ignore' })
  await new Promise(resolve => writer.once('exit', resolve))
  while (seen.length < lines) await new Promise(resolve => setTimeout(resolve, 10))
  tail.kill()
  return p99(seen)
}

/** Keeps streams open while `work` runs. */
async function withStreams<T> (url: string, count: number, onEvent: (event: SseEvent) => void, work: () => Promise<T>): Promise<T> {
  const leave: (() => unknown)[] = []
  try {
    for (let index = 0; index < count; index += 1) await openStream({ teardown: fn => leave.push(fn) }, url, { onEvent })
    return await work()
  } finally {
    for (const one of leave) one()
  }
}

/** The p99 of the delays of all lines at all readers. */
async function followDelays (url: string): Promise<number> {
  const seen: number[] = []
  await withStreams(url, delayReaders, ({ data }) => seen.push(...delaysIn(data)), async () => {
    const deadline = performance.now() + 60_000
    while (seen.length < lines * delayReaders) {
      if (performance.now() > deadline) throw new Error(`${seen.length} lines came to ${delayReaders} readers, not ${lines * delayReaders}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  })
  return p99(seen)
}

/** Starts a service and gives the URL of its stream, and how to stop it. */
async function startService ({ call, path, serviceUrl }: Place, name: string): Promise<{ url: string, stop (): Promise<unknown> }> {
  const target = { workspaceCommandId: `service:${name}` }
  const { body } = await call<{ operation: { metadata: { runtimeServiceId: string } } }>('POST', `${path}/runtime-services/start`, target, 200)
  const url = `${serviceUrl}/api/runtime-services/${body.operation.metadata.runtimeServiceId}/log/stream`
  return { url, stop: async () => await call('POST', `${path}/runtime-services/stop`, target, 200) }
}

async function serviceDelays (place: Place): Promise<number> {
  const { url, stop } = await startService(place, 'talker')
  return await followDelays(url).finally(stop)
}

async function jobDelays ({ serviceUrl, path }: Place): Promise<number> {
  const started = await fetch(`${serviceUrl}${path}/runtime-commands/run`, { method: 'POST', headers: { 'content-type': 'application/json', prefer: 'respond-async' }, body: '{"workspaceCommandId":"job:job"}' })
  return await followDelays(`${serviceUrl}${started.headers.get('location') ?? ''}/log/stream`)
}

async function residentMb (pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

async function readersMemory (place: Place): Promise<Result> {
  const { url, stop } = await startService(place, 'quiet')
  const beforeMb = await residentMb(place.pid)
  const grownMb = await withStreams(url, manyReaders, () => {}, async () => await residentMb(place.pid) - beforeMb).finally(stop)
  return memory(`${manyReaders} readers`, 'before they came', beforeMb, grownMb, 100)
}

async function floodMemory (place: Place): Promise<Result> {
  const beforeMb = await residentMb(place.pid)
  const { url, stop } = await startService(place, 'flood')
  const seen = { mostMb: beforeMb, isDone: false }
  await withStreams(url, 1, ({ data }) => { seen.isDone ||= data.includes('all is said') }, async () => {
    while (!seen.isDone) {
      seen.mostMb = Math.max(seen.mostMb, await residentMb(place.pid))
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }).finally(stop)
  return memory('100 MB of output, followed', 'before it', beforeMb, seen.mostMb - beforeMb, 30)
}

function delays (what: string, oursMs: number, floorMs: number): Result {
  return { what, ours: `${oursMs.toFixed(1)} ms`, floorIs: '`tail -f`, one reader, p99', floor: `${floorMs.toFixed(1)} ms`, compared: `+${(oursMs - floorMs).toFixed(1)} ms`, aim: '≤ 50 ms', met: oursMs <= 50 }
}

function memory (what: string, floorIs: string, beforeMb: number, grownMb: number, atMostMb: number): Result {
  return { what, ours: `${(beforeMb + grownMb).toFixed(0)} MB`, floorIs, floor: `${beforeMb.toFixed(0)} MB`, compared: `+${grownMb.toFixed(0)} MB`, aim: `≤ +${atMostMb} MB`, met: grownMb <= atMostMb }
}
