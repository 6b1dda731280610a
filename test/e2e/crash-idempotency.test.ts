/** kill -9 of the service while it is at a request with an Idempotency-Key: the repeated request is taken at the next start. */
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Sent { status: number, headers: Headers, body: { id: string, operation: { status: string } } }

async function send (method: string, url: string, body: object, key?: string): Promise<Sent> {
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) }, body: JSON.stringify(body) })
  return { status: response.status, headers: response.headers, body: await response.json() as Sent['body'] }
}

async function killAndRepeat (t: Test, databaseUrl: string): Promise<void> {
  const folder = await temporaryFolder(t, 'berth-key-')
  const env = { DATABASE_URL: databaseUrl }
  const dataDir = join(folder, 'data')
  const [runs, open] = [join(folder, 'runs'), join(folder, 'open')]
  const began = async (): Promise<number> => (await readFile(runs, 'utf8').catch(() => '')).length
  const commands = [{ name: 'long', kind: 'job', command: `printf x >> ${runs}; until [ -e ${open} ]; do sleep 0.05; done` }]

  const first = await startService(t, dataDir, env)
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  const company = `${first.url}/api/companies/${companyId}`
  await send('PUT', company, { name: 'Keys' })
  await send('PUT', `${company}/projects/${projectId}`, { name: 'Keys' })
  await send('PUT', `${company}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd: folder, runtimeConfig: { commands } })
  const { body: { id } } = await send('POST', `${company}/execution-workspaces`, { projectId, mode: 'shared_workspace' })
  const run = async (base: string) => await send('POST', `${base}/api/execution-workspaces/${id}/runtime-commands/run`, { workspaceCommandId: 'job:long' }, 'once')

  const unanswered = run(first.url).catch(() => null)
  await eventually(async () => await began() === 1, 'the job runs')
  t.equal((await run(first.url)).status, 409, 'the first one is still running')
  await first.kill()
  t.equal(await unanswered, null)

  await writeFile(open, '')
  const second = await startService(t, dataDir, env)
  const repeated = await run(second.url)
  t.match(repeated, { status: 200, body: { operation: { status: 'succeeded' } } })
  t.equal(repeated.headers.get('idempotency-replayed'), null)
  t.equal(await began(), 2)
  t.equal((await run(second.url)).headers.get('idempotency-replayed'), 'true')
  t.equal(await began(), 2)
}

t.test('on the embedded database', async t => await killAndRepeat(t, ''))
t.test('on PostgreSQL', async t => await killAndRepeat(t, await createTestDatabase(t)))
