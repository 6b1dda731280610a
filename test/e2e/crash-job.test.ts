/** kill -9 of the service in the middle of a job that writes a hundred megabytes: the next start has what was written, and ends the rest. */
import { createHash, randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createClient } from '../../cli/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { lives } from '../fixtures/runtime.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Operation { id: string, status: string, logRef: string, logBytes: number, logSha256: string, stdoutExcerpt: string, queuePosition: number | null, metadata: { reason: string, stop: { membersBefore: number[], survivors: number[] } } }

/** So much has to be there before the service is killed. */
const writtenBytes = 4_000_000

async function killDuringJob (t: Test, databaseUrl: string): Promise<void> {
  const folder = await temporaryFolder(t, 'berth-crash-job-')
  const dataDir = join(folder, 'data')
  const env = { DATABASE_URL: databaseUrl, BERTH_MAX_JOBS: '1', BERTH_JOB_LOG_MAX_BYTES: '1000000000' }
  const first = await startService(t, dataDir, env)
  const call = createClient(first.url)
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  // Far more than is written before the kill, so that the kill comes in the middle; it goes on when nobody reads it any more.
  const command = `echo $$ > ${folder}/pid; trap '' PIPE; yes a-line-of-output-that-says-nothing | head -c 100000000; sleep 50`
  await call('PUT', `/api/companies/${companyId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Crash' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd: folder, isPrimary: true, runtimeConfig: { commands: [{ name: 'much', kind: 'job', command }] } })
  const { body: workspace } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'shared_workspace', name: 'writes' }, 201)
  const path = `/api/execution-workspaces/${workspace.id}`
  const operations = async () => (await createClient(first.url)<Operation[]>('GET', `${path}/workspace-operations`)).body
  const unanswered = Promise.allSettled([1, 2].map(async () => await call('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:much' })))
  let logPath = ''
  await eventually(async () => {
    const all = await operations()
    const running = all.find(({ status }) => status === 'running')
    if (running !== undefined) logPath = join(dataDir, 'logs', running.logRef)
    return running !== undefined && all.some(({ status, queuePosition }) => status === 'queued' && queuePosition === 1)
  }, 'one job to run and one to be queued', 30_000)
  await eventually(async () => (await stat(logPath)).size > writtenBytes, 'much to be written', 60_000)
  await first.kill()
  await unanswered
  const pid = (await readFile(join(folder, 'pid'), 'utf8')).trim()

  const second = await startService(t, dataDir, env)
  const again = createClient(second.url)
  const { body: ended } = await again<Operation[]>('GET', `${path}/workspace-operations`)
  t.same(ended.map(({ status }) => status), ['interrupted', 'interrupted'], 'the one that ran and the one that waited')
  const job = ended.find(({ logRef }) => logPath.endsWith(logRef))
  t.match(job?.metadata, { reason: /stopped while this was under way/, stop: { survivors: [] } })
  t.notOk(lives(pid), 'nothing of it runs')
  const log = await readFile(logPath)
  t.ok(log.length > writtenBytes && log.at(-1) === 10, 'what was written is there, in whole lines')
  t.match(job, { logBytes: log.length, logSha256: createHash('sha256').update(log).digest('hex') })
  t.match(job?.stdoutExcerpt, 'a-line-of-output-that-says-nothing\n')
  const { body: part } = await again<{ content: string, nextOffset: number | null }>('GET', `/api/workspace-operations/${job?.id}/log?limitBytes=1000`)
  t.match(part.content, /^\{"ts"/)
  await second.stop()
}

t.test('a kill during a job that writes much (PGlite)', async t => await killDuringJob(t, ''))
t.test('a kill during a job that writes much (PostgreSQL)', async t => await killDuringJob(t, await createTestDatabase(t)))
