/** kill -9 of the service in the middle of work, then a new start: nothing stays running, nothing unknown runs, nothing is lost. */
import { randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createClient, type Call } from '../../cli/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { makeRepository, runGit } from '../fixtures/git.ts'
import { eventually } from '../fixtures/processes.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Workspace { id: string, status: string, providerRef: string, cleanupReason: string | null, runtimeServices: { id: string, status: string, providerRef: string | null, port: number }[] }
interface Operation { id: string, status: string, command: string | null }

const commands = [
  { name: 'web', command: 'node -e "require(\'http\').createServer((q, s) => s.end(\'up\')).listen(process.env.PORT, \'127.0.0.1\')"', port: { type: 'auto' }, readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/' }, reuseScope: 'execution_workspace' },
  { name: 'slow', command: 'sleep 50', port: { type: 'auto' }, readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/', timeoutSec: 40 }, reuseScope: 'execution_workspace' },
  { name: 'long', kind: 'job', command: 'echo begun; sleep 50 & sleep 50' }
]

/** Pids of all processes that carry a mark of a service on this data dir's files. */
function markedProcesses (folder: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      const ended = / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))
      return !ended && environment.includes('BERTH_SPAWN_MARK=') && environment.includes(folder)
    } catch {
      return false // ended between the listing and the look
    }
  })
}

async function openWorkspace (call: Call, companyId: string, projectId: string, name: string, config = {}): Promise<Workspace> {
  return (await call<Workspace>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'isolated_workspace', name, config }, 201)).body
}

async function register (call: Call, repository: string): Promise<{ companyId: string, projectId: string }> {
  const companyId = randomUUID()
  const projectId = randomUUID()
  await call('PUT', `/api/companies/${companyId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd: repository, isPrimary: true, runtimeConfig: { commands } })
  return { companyId, projectId }
}

const operationsOf = async (call: Call, id: string) => (await call<Operation[]>('GET', `/api/execution-workspaces/${id}/workspace-operations`)).body
const exists = (path: string) => stat(path).then(() => true, () => false)

async function crashAndRecover (t: Test, databaseUrl: string): Promise<void> {
  const folder = await temporaryFolder(t, 'berth-crash-')
  const dataDir = join(folder, 'data')
  const repository = await makeRepository(t, { files: { 'kept.txt': 'first\n' } })
  const first = await startService(t, dataDir, { DATABASE_URL: databaseUrl })
  const call = createClient(first.url)
  const ids = await register(call, repository)
  const working = await openWorkspace(call, ids.companyId, ids.projectId, 'working')
  const closing = await openWorkspace(call, ids.companyId, ids.projectId, 'closing', { teardownCommand: 'sleep 5; true' })
  await writeFile(join(working.providerRef, 'kept.txt'), 'changed, not committed\n')
  await writeFile(join(closing.providerRef, 'kept.txt'), 'changed, not committed\n')

  const path = `/api/execution-workspaces/${working.id}`
  const web = await call<{ workspace: Workspace }>('POST', `${path}/runtime-services/start`, { workspaceCommandId: 'service:web' }, 200)
  // None of these will be answered: the service is killed in the middle of them.
  const unanswered = Promise.allSettled([
    call('POST', `${path}/runtime-services/start`, { workspaceCommandId: 'service:slow' }),
    call('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:long' }),
    call('PATCH', `/api/execution-workspaces/${closing.id}`, { status: 'archived' })
  ])
  await eventually(async () => {
    const running = [...await operationsOf(call, working.id), ...await operationsOf(call, closing.id)].filter(({ status }) => status === 'running')
    return running.some(({ command }) => command === 'sleep 5; true') && running.length >= 3 && markedProcesses(folder).length >= 5
  }, 'a start, a job and a teardown are under way')
  await first.kill()
  await unanswered

  const second = await startService(t, dataDir, { DATABASE_URL: databaseUrl })
  const again = createClient(second.url)
  for (const { id } of [working, closing]) {
    const open = (await operationsOf(again, id)).filter(({ status }) => status === 'running' || status === 'queued')
    t.same(open, [], 'no operation stays running')
  }
  const { body: recovered } = await again<Workspace>('GET', path)
  t.equal(recovered.status, 'active')
  const pid = web.body.workspace.runtimeServices.find(service => service.status === 'running')?.providerRef
  const live = recovered.runtimeServices.filter(({ status }) => status === 'running')
  t.same(live.map(({ providerRef }) => providerRef), [pid], 'the service that was running is adopted, with the same process')
  await eventually(() => markedProcesses(folder).every(found => String(found) === pid || isChildOf(found, Number(pid))), 'no other process of the killed service is left')
  t.equal(await (await fetch(`http://127.0.0.1:${live[0]?.port}/`)).text(), 'up', 'and it answers')

  const { body: archived } = await again<Workspace>('GET', `/api/execution-workspaces/${closing.id}`)
  t.match(archived.status, /^(archived|cleanup_failed)$/, 'the archive is finished or marked')
  t.equal(await keptText(closing, repository), 'changed, not committed\n', 'its uncommitted change is in the folder or in the snapshot')
  t.equal(await readFile(join(working.providerRef, 'kept.txt'), 'utf8'), 'changed, not committed\n')
  await again('POST', `${path}/runtime-services/stop`, {}, 200)
  t.same(markedProcesses(folder), [], 'a stop after the crash leaves nothing')
}

function isChildOf (pid: number, parent: number): boolean {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]) === parent
  } catch {
    return true // gone by now
  }
}

async function keptText (workspace: Workspace, repository: string): Promise<string> {
  const path = join(workspace.providerRef, 'kept.txt')
  if (await exists(path)) return await readFile(path, 'utf8')
  const refs = runGit(repository, 'for-each-ref', '--format=%(refname)', `refs/berth/rescue/${workspace.id}`).trim().split('\n')
  const texts = refs.map(ref => `${runGit(repository, 'show', `${ref}:kept.txt`)}\n`)
  return texts.find(text => text.startsWith('changed')) ?? `nothing in ${refs.join(', ')}`
}

t.test('a kill during a job, a start and an archive (PGlite)', t => crashAndRecover(t, ''))
t.test('a kill during a job, a start and an archive (PostgreSQL)', async t => await crashAndRecover(t, await createTestDatabase(t)))
