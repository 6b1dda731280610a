/** kill -9 of the service at any point of many starts, while another service writes: afterwards the rows tell the truth, and no line is lost. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createClient, type Call } from '../../cli/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { programCommand } from '../fixtures/processes.ts'
import { lives } from '../fixtures/runtime.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Shown { id: string, serviceName: string, status: string, providerRef: string | null, logRef: string, exitReason: string | null }

const rounds = 4
const services = 8
/** The starts begin one after the other over this time, so that a kill meets each of them somewhere else. */
const spreadMs = 80
const commands = [
  { name: 'writer', command: programCommand('writes-steadily.js'), reuseScope: 'execution_workspace', log: { maxBytes: 1_073_741_824 } },
  // What it looks like does not matter: it is known by pid and start time.
  ...Array.from({ length: services }, (_, index) => ({ name: `s${index}`, command: `FOO=${index} sh -c 'cd / && sleep 0.03; echo up; exec sleep 60'`, reuseScope: 'execution_workspace', readiness: { type: 'log', pattern: 'up' } }))
]

/** Living processes that lead a session and carry the mark of a service of this folder. */
function leaders (folder: string): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isSafeInteger).filter(pid => {
    try {
      const session = Number(/\) \S \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
      return session === pid && lives(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`BERTH_WORKSPACE_CWD=${folder}\0`)
    } catch {
      return false // ended between the listing and the look, or another user's
    }
  })
}

async function register (call: Call, cwd: string): Promise<string> {
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  await call('PUT', `/api/companies/${companyId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd, isPrimary: true })
  const { body } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'shared_workspace', name: 'Work', config: { workspaceRuntime: { commands } } })
  return `/api/execution-workspaces/${body.id}`
}

async function crashInStarts (t: Test, databaseUrl: string): Promise<void> {
  const folder = await temporaryFolder(t, 'berth-crash-')
  const dataDir = join(folder, 'data')
  const cwd = await temporaryFolder(t, 'berth-crash-work-')
  let service = await startService(t, dataDir, { DATABASE_URL: databaseUrl })
  let call = createClient(service.url)
  const path = await register(call, cwd)
  const current = async () => (await call<{ runtimeServices: Shown[] }>('GET', path)).body.runtimeServices
  await call('POST', `${path}/runtime-services/start`, { workspaceCommandId: 'service:writer' }, 200)
  const [writer] = await current()

  for (let round = 0; round < rounds; round++) {
    const unanswered = Promise.allSettled(Array.from({ length: services }, async (_, index) => {
      await pause(index * spreadMs / services)
      return await call('POST', `${path}/runtime-services/start`, { workspaceCommandId: `service:s${index}` })
    }))
    await pause(Math.random() * 2 * spreadMs)
    await service.kill()
    await unanswered
    service = await startService(t, dataDir, { DATABASE_URL: databaseUrl })
    call = createClient(service.url)
    const rows = await current()
    t.same(rows.filter(({ status }) => status !== 'running' && status !== 'stopped' && status !== 'failed'), [], 'no start stays under way')
    const running = rows.filter(({ status }) => status === 'running').map(({ providerRef }) => Number(providerRef))
    t.same(running.sort(), leaders(cwd).sort(), `round ${round}: what runs is what the rows say`)
    t.match(rows.find(({ serviceName }) => serviceName === 'writer'), { id: writer?.id, status: 'running', providerRef: writer?.providerRef }, 'the one that ran goes on as the same process')
    for (const { serviceName } of rows.filter(({ status, serviceName }) => status === 'running' && serviceName !== 'writer')) {
      await call('POST', `${path}/runtime-services/stop`, { workspaceCommandId: `service:${serviceName}` }, 200)
    }
  }

  await call('POST', `${path}/runtime-services/stop`, {}, 200)
  t.same(leaders(cwd), [])
  const lines = (await readFile(join(dataDir, 'logs', writer?.logRef ?? ''), 'utf8')).trimEnd().split('\n')
  const last = Number(/^wrote (\d+) lines$/.exec(lines.pop() ?? '')?.[1])
  t.ok(last > 1000)
  t.equal(lines.length, last, 'every line it wrote meanwhile is in its log')
  t.equal(lines.findIndex((line, index) => !line.startsWith(`${index + 1} `)), -1, 'each once, in order')
}

t.test('kills in the middle of starts (PGlite)', t => crashInStarts(t, ''))
t.test('kills in the middle of starts (PostgreSQL)', async t => await crashInStarts(t, await createTestDatabase(t)))
