import t from 'tap'
import { systemActor } from '../../services/access/actor.ts'
import { endEventId } from '../../services/operations/log-event.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { companyWithWorkspace, operationOf } from '../fixtures/operations.ts'

t.test('a log is read and followed the same once it is compressed, and gone with a word once it is too old', async t => {
  const { app, call, database: { db } } = await buildTestApp(t, { config: { logCompressAfterSec: 0, retainLogDays: 1 } })
  const op = await app.operations.recorder.begin(operationOf(await companyWithWorkspace(db)))
  for (let line = 0; line < 5000; line++) await op.log.write('stdout', `line ${line}\n`)
  await op.finish({ status: 'succeeded' })
  const url = `/api/workspace-operations/${op.id}`
  const stream = async () => {
    const follow = await app.operations.followLog(systemActor, op.id, { offset: 150_000 })
    const events: string[] = []
    for await (const { id, data } of follow?.(new AbortController().signal) ?? []) if (id !== endEventId) events.push(id + data)
    return events
  }
  const read = async () => (await call('GET', `${url}/log?offset=200000&limitBytes=60000`)).body
  const [readBefore, followedBefore] = [await read(), await stream()]
  await eventually(async () => await app.retention.compress() === 1, 'it is compressed')
  t.match((await call('GET', url)).body, { logCompressed: true, logBytes: (await call('GET', url)).body.logBytes })
  t.same(await read(), readBefore)
  t.same(await stream(), followedBefore)

  await db.updateTable('workspace_operations').set({ finished_at: new Date(Date.now() - 2 * 86_400_000) }).execute()
  t.match(await app.retention.remove(), { operationLogs: 1, operations: 0, serviceLogs: 0, strayLogs: 0 })
  t.match((await call('GET', url)).body, { logRef: null, logCompressed: false, stdoutExcerpt: /line 4999/ })
  for (const path of ['/log', '/log/stream']) t.match(await call('GET', url + path), { status: 404, body: { detail: 'This operation has no log (any more).' } })
})
