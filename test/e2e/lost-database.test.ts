/** A database that can not be reached for a while, as when its server is started anew: what ends meanwhile is told as it ended. */
import { randomUUID } from 'node:crypto'
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { createClient } from '../../cli/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Operation { id: string, status: string, exitCode: number | null, finishedAt: string | null }

t.test('a job that ends while the database is away has ended as it did, and its answer is not lost', async t => {
  const folder = await temporaryFolder(t, 'berth-lost-database-')
  const databaseUrl = await createTestDatabase(t)
  const name = new URL(databaseUrl).pathname.slice(1)
  const admin = new pg.Client({ connectionString: databaseUrl.replace(`/${name}`, '/postgres') })
  await admin.connect()
  t.teardown(async () => { await admin.end() })
  const { url } = await startService(t, join(folder, 'data'), { DATABASE_URL: databaseUrl })
  const call = createClient(url)
  const [companyId, projectId, projectWorkspaceId] = [randomUUID(), randomUUID(), randomUUID()]
  const company = `/api/companies/${companyId}`
  await call('PUT', company, { name: 'Acme' })
  await call('PUT', `${company}/projects/${projectId}`, { name: 'Site' })
  await call('PUT', `${company}/projects/${projectId}/workspaces/${projectWorkspaceId}`, {
    name: 'Main', cwd: folder, isPrimary: true, runtimeConfig: { jobs: [{ name: 'long', command: `touch ${folder}/begun; until [ -e ${folder}/go ]; do sleep 0.05; done; touch ${folder}/ended; exit 3` }] }
  })
  const path = `/api/projects/${projectId}/workspaces/${projectWorkspaceId}/runtime-commands/run`
  const run = async () => await call<{ operation: Operation }>('POST', path, { workspaceCommandId: 'job:long' }, 200, { 'idempotency-key': 'one' })
  const there = async (file: string) => await access(join(folder, file)).then(() => true, () => false)

  const answer = run()
  answer.catch(() => { /* Awaited below. */ })
  await eventually(async () => await there('begun'), 'the job to begin')
  await admin.query(`alter database ${name} allow_connections false`)
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  await eventually(async () => (await fetch(`${url}${company}`)).status === 503, 'the service to have lost its database')
  await writeFile(join(folder, 'go'), '')
  await eventually(async () => await there('ended'), 'the job to end')
  await call('GET', company, undefined, 503)
  await admin.query(`alter database ${name} allow_connections true`)

  const { body: { operation } } = await answer
  t.match(operation, { status: 'failed', exitCode: 3 })
  const { body: again } = await run()
  t.equal(again.operation.id, operation.id, 'a repeated request is answered by the first one')
  t.match((await call<Operation>('GET', `/api/workspace-operations/${operation.id}`)).body, { status: 'failed', exitCode: 3 })
})
