/** Jobs against bare spawns: what one costs, and how many go through in a second. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Call } from '../cli/client.ts'
import { pairMs, timeMs } from './measure.ts'
import { over, type Result } from './report.ts'

const run = promisify(execFile)
const bareSpawn = async (): Promise<unknown> => await run('/bin/sh', ['-c', 'true'])

/** So many requests are under way at once; the service queues those beyond its own limit. */
const atOnce = 8
const jobs = 400
/** What is asked for where the machine can do it at all: the lesser of this and that share of its own spawn rate. */
const wantedPerSecond = 200
const shareOfSpawns = 0.7

/** How often a second the action is done when `atOnce` are under way at any time. */
async function perSecond (action: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const worker = async () => { while (next < jobs) await action(next++) }
  const elapsedMs = await timeMs(async () => await Promise.all(Array.from({ length: atOnce }, worker)))
  return jobs * 1000 / elapsedMs
}

/** @param paths of workspaces with a job `nothing` that runs `true` */
export async function measureJobs (call: Call, paths: readonly [string, ...string[]]): Promise<Result[]> {
  const runIn = async (path: string) => await call('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:nothing' }, 200)
  const one = await pairMs(30, async () => await timeMs(async () => await runIn(paths[0])), async () => await timeMs(bareSpawn))
  const spawns: number[] = []
  const throughput: number[] = []
  for (let round = 0; round < 3; round++) {
    spawns.push(await perSecond(bareSpawn))
    throughput.push(await perSecond(async index => await runIn(paths[index % paths.length] ?? paths[0])))
  }
  return [over('job `true`', 'bare spawn', one, 8), shortJobs(Math.max(...throughput), Math.max(...spawns))]
}

function shortJobs (ours: number, floor: number): Result {
  const aim = Math.min(wantedPerSecond, shareOfSpawns * floor)
  return {
    what: `short jobs, ${atOnce} requests at once`,
    ours: `${Math.round(ours)}/s`,
    floorIs: 'bare spawns, as many at once',
    floor: `${Math.round(floor)}/s`,
    compared: `${(ours / floor).toFixed(2)} ×`,
    aim: `≥ ${wantedPerSecond}/s or ${shareOfSpawns} ×, the lesser`,
    met: ours >= aim
  }
}
