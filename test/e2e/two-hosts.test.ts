/** Two processes on one PostgreSQL, of which one is killed: the other ends what it was at, and tells everybody. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createClient } from '../../cli/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { lives } from '../fixtures/runtime.ts'
import { startService } from '../fixtures/service.ts'
import { openStream, type SseClient } from '../fixtures/sse.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Operation { id: string, status: string, metadata: { reason?: string, stop?: { survivors: number[] } } }
interface Workspace { id: string, hostId: string, runtimeServices: { status: string, providerRef: string }[] }

t.test('a host that is killed: its operations end within 30 s by the other one, its services go on and are taken up again', async t => {
  const folder = await temporaryFolder(t, 'berth-two-hosts-')
  const databaseUrl = await createTestDatabase(t)
  const start = async (name: string) => await startService(t, join(folder, name), { DATABASE_URL: databaseUrl, BERTH_MAX_JOBS: '1' })
  const [one, other] = [await start('one'), await start('other')]
  const [call, callOther] = [createClient(one.url), createClient(other.url)]
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  const company = `/api/companies/${companyId}`
  await call('PUT', company, { name: 'Two hosts' })
  await call('PUT', `${company}/projects/${projectId}`, { name: 'Two hosts' })
  await call('PUT', `${company}/projects/${projectId}/workspaces/${randomUUID()}`, {
    name: 'Main',
    cwd: folder,
    isPrimary: true,
    runtimeConfig: { commands: [{ name: 'long', kind: 'job', command: `echo $$ > ${folder}/pid; echo begun; sleep 305` }, { name: 'web', kind: 'service', command: 'exec sleep 306' }] }
  })
  const stream = await openStream(t, `${other.url}${company}/events`)
  const { body: workspace } = await call<Workspace>('POST', `${company}/execution-workspaces`, { projectId, mode: 'shared_workspace', name: 'one' }, 201)
  const path = `/api/execution-workspaces/${workspace.id}`
  const { body: started } = await call<{ workspace: Workspace }>('POST', `${path}/runtime-services/start`, { workspaceCommandId: 'service:web' })
  const [web] = started.workspace.runtimeServices
  const unanswered = Promise.allSettled([1, 2].map(async () => await call('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:long' })))
  const operations = async () => (await callOther<Operation[]>('GET', `${path}/workspace-operations`)).body
  await eventually(async () => (await operations()).filter(({ status }) => status === 'running' || status === 'queued').length === 2, 'one job to run and one to wait')
  await eventually(async () => await readFile(join(folder, 'pid'), 'utf8').then(text => text.endsWith('\n'), () => false), 'the job to have begun')
  const pid = (await readFile(join(folder, 'pid'), 'utf8')).trim()

  const killedAt = Date.now()
  await one.kill()
  await unanswered
  await eventually(async () => (await operations()).every(({ status }) => status === 'succeeded' || status === 'interrupted'), 'no operation to be left open', 60_000)
  const ended = (await operations()).filter(({ status }) => status === 'interrupted')
  t.ok(Date.now() - killedAt < 45_000, `it took ${Date.now() - killedAt} ms`)
  t.equal(ended.length, 2, 'the job that ran and the one that waited')
  for (const { metadata } of ended) t.match(metadata.reason, /has given no sign of life/)
  await eventually(() => !lives(pid), 'the job of the dead host to be ended: both are on one machine')
  t.ok(lives(web?.providerRef ?? ''), 'its service goes on')

  for (const { id } of ended) await stream.event(({ event, data }) => event === 'workspace_operation.ended' && data.includes(id) && data.includes('interrupted'), 'the other host to tell of the end')
  const idsOf = ({ events }: SseClient) => events.filter(({ event }) => event !== 'position').map(({ id }) => id)
  const ids = idsOf(stream)
  const replay = await openStream(t, `${other.url}${company}/events`, { lastEventId: ids[0] ?? '' })
  await eventually(() => idsOf(replay).length >= ids.length - 1, 'all of it to come again')
  t.ok(ids.length >= 8, 'two of the start, the jobs and their ends, the activity')
  t.same(idsOf(replay).slice(0, ids.length - 1), ids.slice(1), 'none lost, none twice, in the same order')

  const again = await start('one')
  const { body: back } = await createClient(again.url)<Workspace>('GET', path)
  t.match(back, { hostId: workspace.hostId, runtimeServices: [{ status: 'running', providerRef: web?.providerRef }] })
})
