/** Actions against what they can't do without: git's own commands, the child's own boot and end, a bare spawn. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient, type Call } from '../cli/client.ts'
import { measureJobs } from './jobs.ts'
import { median, pairMs, timeMs } from './measure.ts'
import { multiple, over, type Result } from './report.ts'

const run = promisify(execFile)

interface Workspace { id: string, providerRef: string, runtimeServices: { port: number, status: string }[] }

const serverProgram = "require('http').createServer((q, s) => s.end('ok')).listen(process.env.PORT, '127.0.0.1')"
const serviceCommand = 'exec node server.cjs'

/** Waits until the port answers over HTTP, looking every 2 ms; fails after 20 s. */
async function answers (port: number): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline) {
    const answered = await new Promise<boolean>(resolve => {
      get({ host: '127.0.0.1', port, agent: false }, response => { response.destroy(); resolve(true) }).once('error', () => resolve(false))
    })
    if (answered) return
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  throw new Error(`nothing answers on port ${port}`)
}

async function register (call: Call, repository: string): Promise<{ companyId: string, projectId: string }> {
  const companyId = randomUUID()
  const projectId = randomUUID()
  await call('PUT', `/api/companies/${companyId}`, { name: 'Bench actions' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Bench actions' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, {
    name: 'Main',
    cwd: repository,
    isPrimary: true,
    runtimeConfig: {
      commands: [
        { name: 'web', kind: 'service', command: serviceCommand, port: { type: 'auto' }, readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/' } },
        { name: 'nothing', kind: 'job', command: 'true' }
      ]
    }
  })
  return { companyId, projectId }
}

function startBare (cwd: string, port: number): ChildProcess {
  return spawn('/bin/sh', ['-c', serviceCommand], { cwd, env: { ...process.env, PORT: String(port) }, stdio: 'ignore' })
}

/** Create, readiness, start, stop, job: each in turn with its floor. */
export async function measureActions (serviceUrl: string, repository: string): Promise<Result[]> {
  const call = createClient(serviceUrl)
  const ids = await register(call, repository)
  const createPath = `/api/companies/${ids.companyId}/execution-workspaces`
  const create = (name: string) => call<Workspace>('POST', createPath, { projectId: ids.projectId, mode: 'isolated_workspace', name }, 201)
  const created = await pairMs(10,
    round => timeMs(() => create(`round ${round}`)),
    round => timeMs(() => run('git', ['worktree', 'add', '--no-track', '-b', `floor-${round}`, join(repository, '..', `floor-${round}`), 'HEAD'], { cwd: repository })))

  const { body: workspace } = await create('measured')
  const path = `/api/execution-workspaces/${workspace.id}`
  await writeFile(join(workspace.providerRef, 'server.cjs'), serverProgram)
  for (let index = 1; index <= 20; index += 1) await writeFile(join(workspace.providerRef, `d${index}`, 'f1'), 'changed\n')
  const readiness = await pairMs(20,
    () => timeMs(() => call('GET', `${path}/close-readiness`)),
    () => timeMs(() => run('git', ['status', '--porcelain=v2', '--branch'], { cwd: workspace.providerRef })))

  const { start, stop } = await measureService(call, path, workspace)
  const others = await Promise.all(['a', 'b', 'c'].map(async name => `/api/execution-workspaces/${(await create(`jobs ${name}`)).body.id}`))
  return [
    over('create', 'git worktree add', created, null),
    multiple('close readiness, dirty worktree', 'one git status', readiness, 2),
    over('start to ready', "the child's own boot to its first answer", start, 15),
    over('stop', "the child's own end", stop, 15),
    ...await measureJobs(call, [path, ...others])
  ]
}

async function measureService (call: Call, path: string, workspace: Workspace): Promise<{ start: { oursMs: number, floorMs: number }, stop: { oursMs: number, floorMs: number } }> {
  const stops: number[] = []
  const floorStops: number[] = []
  const barePort = 19_173
  const start = await pairMs(15,
    async () => {
      const elapsed = await timeMs(() => call('POST', `${path}/runtime-services/start`, {}, 200))
      stops.push(await timeMs(() => call('POST', `${path}/runtime-services/stop`, {}, 200)))
      return elapsed
    },
    async () => {
      const began = performance.now()
      const child = startBare(workspace.providerRef, barePort)
      await answers(barePort)
      const elapsed = performance.now() - began
      const ended = new Promise(resolve => child.once('exit', resolve))
      floorStops.push(await timeMs(async () => { child.kill('SIGTERM'); await ended }))
      return elapsed
    })

  return { start, stop: { oursMs: median(stops), floorMs: median(floorStops) } }
}
