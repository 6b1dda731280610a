/** What watching many running services costs: share of a core, and memory beyond the empty service's. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '../cli/client.ts'
import type { Result } from './report.ts'

const services = 200
const perWorkspace = 50
const watchedMs = 30_000
/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux one meets (sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100

interface Usage { cpuMs: number, memoryMb: number }

/** CPU time so far and resident memory of a process. */
function usageOf (pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 1000 / ticksPerSecond, memoryMb: Number(resident) / 1024 }
}

/** Starts 200 services whose health is asked over HTTP as usual, and lets them be watched for half a minute. */
export async function measureWatched (serviceUrl: string, pid: number, cwd: string): Promise<Result[]> {
  const call = createClient(serviceUrl)
  const probed = createServer((_request, response) => { response.end('ok') })
  await new Promise<void>(resolve => probed.listen(0, '127.0.0.1', resolve))
  const address = probed.address()
  const urlTemplate = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  await call('PUT', `/api/companies/${companyId}`, { name: 'Bench watched' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Bench watched' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd, isPrimary: true })
  const commands = Array.from({ length: perWorkspace }, (_, index) => ({ name: `s${index}`, command: 'exec sleep 900', reuseScope: 'execution_workspace', readiness: { type: 'http', urlTemplate } }))
  const before = usageOf(pid)
  const paths: string[] = []
  for (let index = 0; index < services / perWorkspace; index += 1) {
    const { body } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'shared_workspace', name: `watched ${index}`, config: { workspaceRuntime: { commands } } })
    paths.push(`/api/execution-workspaces/${body.id}/runtime-services`)
    await call('POST', `${paths.at(-1)}/start`, {}, 200)
  }
  const begun = usageOf(pid)
  await pause(watchedMs)
  const ended = usageOf(pid)
  for (const path of paths) await call('POST', `${path}/stop`, {}, 200)
  await new Promise(resolve => probed.close(resolve))
  return results({ share: (ended.cpuMs - begun.cpuMs) / watchedMs * 100, grownMb: ended.memoryMb - before.memoryMb, emptyMb: before.memoryMb })
}

function results ({ share, grownMb, emptyMb }: { share: number, grownMb: number, emptyMb: number }): Result[] {
  return [
    { what: `watching ${services} services`, ours: `${share.toFixed(1)} % of a core`, floorIs: 'no services', floor: '0 %', compared: `+${share.toFixed(1)} %`, aim: '≤ +5 %', met: share <= 5 },
    { what: `memory with ${services} services`, ours: `${(emptyMb + grownMb).toFixed(0)} MB`, floorIs: 'before they were started', floor: `${emptyMb.toFixed(0)} MB`, compared: `+${grownMb.toFixed(0)} MB`, aim: '≤ +60 MB', met: grownMb <= 60 }
  ]
}
