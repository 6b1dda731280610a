import t from 'tap'
import { companyWithWorkspace, operationOf } from '../fixtures/operations.ts'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { localBoard } from '../../services/access/actor.ts'
import { runCommand, finishOf } from '../../services/operations/command-run.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { openStream } from '../fixtures/sse.ts'

t.test('an operation and its log can be seen by those of its company only; for others it does not exist', async t => {
  const { app, database } = await buildTestApp(t)
  const ids = await companyWithWorkspace(database.db)
  const other = await companyWithWorkspace(database.db)
  const { operation } = await app.operations.recorder.run(operationOf(ids), async op => { op.log.system('hello') })
  for (const actor of [localBoard, person(ids.companyId, 'viewer'), agentOf(ids.companyId, ids.workspaceId)]) {
    t.same(await app.operations.get(actor, operation.id), operation)
    t.match(await app.operations.readLog(actor, operation.id, {}), { content: /hello/, nextOffset: null })
    t.same((await app.operations.listOfWorkspace(actor, ids.workspaceId, {})).items, [operation])
  }
  const absent = await app.operations.get(localBoard, other.workspaceId).catch((error: unknown) => error)
  for (const actor of [person(other.companyId), person(ids.companyId, 'owner', 'suspended'), agentOf(other.companyId, ids.workspaceId)]) {
    for (const look of [app.operations.get(actor, operation.id), app.operations.readLog(actor, operation.id, {}), app.operations.listOfWorkspace(actor, ids.workspaceId, {})]) {
      t.match(await look.catch((error: unknown) => error), { code: 'not_found', detail: (absent as { detail: string }).detail })
    }
  }
  await t.rejects(app.operations.get(nobody, operation.id), { code: 'unauthenticated' })
})

t.test('of a run everybody sees what they may see', async t => {
  const { app, database } = await buildTestApp(t)
  const [one, other] = [await companyWithWorkspace(database.db), await companyWithWorkspace(database.db)]
  const heartbeatRunId = one.projectId
  for (const ids of [one, other]) await app.operations.recorder.run(operationOf(ids, { heartbeatRunId }), async () => {})
  const companies = async (actor: Parameters<typeof app.operations.listOfRun>[0]) => (await app.operations.listOfRun(actor, heartbeatRunId, {})).items.map(({ companyId }) => companyId)
  t.same(await companies(localBoard), [one.companyId, other.companyId])
  t.same(await companies(person(other.companyId)), [other.companyId])
  t.same(await companies(agentOf(one.companyId, one.workspaceId)), [one.companyId])
  t.same(await companies(person('00000000-0000-4000-8000-000000000000')), [])
  await t.rejects(companies(nobody), { code: 'unauthenticated' })
})

t.test('closing the app ends what runs and records it as interrupted; a new start has the same host and no locks', async t => {
  const { database } = await openTestDatabase(t, 'pglite')
  const first = await buildTestApp(t, { database })
  const { recorder, locks, hostId } = first.app.operations
  const ids = await companyWithWorkspace(database.db)
  const op = await recorder.begin(operationOf(ids))
  const working = locks.withLock({ resource: `workspace:${ids.workspaceId}`, mode: 'shared', purpose: 'the job', waitMs: 0 }, async () => {
    const result = await runCommand({ op, command: 'echo on; sleep 300', cwd: first.dataDir, env: { PATH: process.env.PATH ?? '' }, timeoutMs: null })
    await op.finish(finishOf(op, result))
  })
  await eventually(() => op.log.excerpt('stdout') === 'on\n', 'the job to run')
  await first.app.close()
  await working
  t.match(await op.finished, { status: 'interrupted', stdoutExcerpt: 'on\n', metadata: { stop: { survivors: [] } } })
  await database.db.insertInto('workspace_locks').values({ id: op.id, resource: 'workspace:left', mode: 'exclusive', purpose: 'left by a crash', host_id: hostId }).execute()
  const second = await buildTestApp(t, { database, config: { dataDir: first.dataDir } })
  t.equal(second.app.operations.hostId, hostId)
  t.same(await database.db.selectFrom('workspace_locks').selectAll().execute(), [])
  t.match(await second.app.operations.readLog(localBoard, op.id, {}), { content: /"chunk":"on\\n"/, nextOffset: null })
})

t.test('who follows a job when the app closes is sent how it ended', async t => {
  const { app, database, dataDir } = await buildTestApp(t)
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const op = await app.operations.recorder.begin(operationOf(await companyWithWorkspace(database.db)))
  const working = runCommand({ op, command: 'echo on; sleep 300', cwd: dataDir, env: { PATH: process.env.PATH ?? '' }, timeoutMs: null })
    .then(async result => await op.finish(finishOf(op, result)))
  const reader = await openStream(t, `${base}/api/workspace-operations/${op.id}/log/stream`)
  await reader.event(({ data }) => data.includes('on\\n'), 'the job to run')
  await app.close()
  await working
  t.ok(await reader.closed)
  t.match(JSON.parse(reader.events.at(-1)?.data ?? ''), { id: op.id, status: 'interrupted' })
})
