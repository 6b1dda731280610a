import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { agentOf, buildTestApp, person, type Answer, type TestApp } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, operationOf } from '../../fixtures/operations.ts'
import { programCommand } from '../../fixtures/processes.ts'
import { lives, runtimeScene, web, type RuntimeScene } from '../../fixtures/runtime.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const never = { ...web, name: 'never', command: `echo $$ > never.pid; ${programCommand('never-ready.js')}` }
const commands = [
  { name: 'tree', kind: 'job', command: 'echo begun; echo $$ > tree.pid; setsid sleep 301 & echo $! > left.pid; sleep 302' },
  { name: 'stubborn', kind: 'job', command: `echo $$ > stubborn.pid; ${programCommand('ignores-sigterm.js')}`, stop: { graceSec: 1 } },
  { name: 'short', kind: 'job', command: 'sleep 0.03' },
  { name: 'long', kind: 'job', command: 'sleep 303' },
  { ...web, stop: { graceSec: 20 } },
  never
]

interface Scene extends RuntimeScene {
  /** Runs a job without waiting for it; gives the id of its operation. */
  run (name: string): Promise<string>
  cancel (id: string, options?: Parameters<TestApp['call']>[3]): Promise<Answer>
  operation (id: string): Promise<Answer['body']>
  pid (name: string): Promise<string>
}

async function scene (t: Test, app: TestApp): Promise<Scene> {
  const made = await runtimeScene(t, app, { runtime: { commands } })
  return {
    ...made,
    run: async name => (await made.control('run', { workspaceCommandId: `job:${name}` }, { headers: { prefer: 'respond-async' } })).body.operation.id,
    cancel: async (id, options) => await app.call('POST', `/api/workspace-operations/${id}/cancel`, undefined, options),
    operation: async id => (await app.call('GET', `/api/workspace-operations/${id}`)).body,
    async pid (name) {
      const file = join(made.folder, `${name}.pid`)
      await eventually(async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'), `a pid in ${file}`)
      return (await readFile(file, 'utf8')).trim()
    }
  }
}

await onBothDatabases(t, 'cancelling', async (t, { db, database }) => {
  const dataDir = await temporaryFolder(t)
  const app = await buildTestApp(t, { database, config: { dataDir, maxJobs: 2 } })
  const { call } = app
  const activityOf = async (companyId: string) => (await call('GET', `/api/companies/${companyId}/activity`)).body.filter(({ action }: { action: string }) => action.endsWith('operation_cancelled'))
  const logOf = async (id: string): Promise<string> => (await call('GET', `/api/workspace-operations/${id}/log`)).body.content

  await t.test('a job: the tree is gone, the log so far stays and says who; again is the same success', async t => {
    const here = await scene(t, app)
    const id = await here.run('tree')
    const pids = [await here.pid('tree'), await here.pid('left')]
    await eventually(async () => (await logOf(id)).includes('begun'), 'the first output')
    const cancelled = await here.cancel(id, { actor: person(here.companyId) })
    t.match(cancelled, { status: 200, body: { id, status: 'cancelled', exitCode: null, stdoutExcerpt: 'begun\n', metadata: { cancelledBy: { type: 'board', id: 'a-member', runId: null }, stop: { survivors: [], forced: false } } } })
    t.same(pids.map(lives), [false, false])
    t.match(await logOf(id), 'It was cancelled by the person a-member.')
    t.same((await here.cancel(id)).body, cancelled.body)
    t.match(await activityOf(here.companyId), [{ action: 'execution_workspace.operation_cancelled', entityId: here.workspaceId, actorType: 'board', actorId: 'a-member', details: { operationId: id } }])
    t.equal((await activityOf(here.companyId)).length, 1)
  })

  await t.test('a job that ignores the stop signal is killed after its grace time', async t => {
    const here = await scene(t, app)
    const id = await here.run('stubborn')
    const pid = await here.pid('stubborn')
    await eventually(async () => (await logOf(id)).includes('chunk'), 'that it has begun to ignore')
    t.match(await here.cancel(id), { status: 200, body: { status: 'cancelled', metadata: { stop: { forced: true, survivors: [] } } } })
    t.notOk(lives(pid))
  })

  await t.test('jobs beyond the limit are queued in order, their place visible; a queued one is cancelled without having run', async t => {
    const [here, other] = [await scene(t, app), await scene(t, app)]
    const running = [await here.run('long'), await here.run('long')]
    const [first, second, third] = [await here.run('tree'), await here.run('tree'), await other.run('long')]
    const queued = async (): Promise<[string, number | null][]> => await Promise.all([...running, first, second, third].map(async id => {
      const { status, queuePosition } = await here.operation(id)
      return [status, queuePosition]
    }))
    await eventually(async () => (await queued()).filter(([status]) => status === 'running').length === 2, 'two to run')
    t.same(await queued(), [['running', null], ['running', null], ['queued', 1], ['queued', 3], ['queued', 2]], 'round robin over workspaces')
    t.match((await call('GET', `/api/execution-workspaces/${here.workspaceId}/workspace-operations?limit=2`)).body, [{ id: second, queuePosition: 3 }, { id: first, queuePosition: 1 }])
    t.match(await call('POST', `/api/execution-workspaces/${other.workspaceId}/archive`), { status: 409, body: { code: 'close_blocked', closeReadiness: { blockingReasons: [/long/] } } }, 'an archive is told what it waits for')
    const before = await here.operation(first)
    t.match(await here.cancel(first), { status: 200, body: { status: 'cancelled', startedAt: before.startedAt, metadata: { cancelledBy: { id: 'local' } } } })
    t.equal(await readFile(join(here.folder, 'tree.pid'), 'utf8').catch(() => null), null, 'it never began')
    t.same((await queued()).slice(2), [['cancelled', null], ['queued', 1], ['queued', 2]])
    t.match(await here.cancel(String(running[0])), { status: 200 })
    await eventually(async () => (await here.operation(second)).status === 'running', 'the next to begin')
    const begun = await here.operation(second)
    t.ok(begun.startedAt > begun.createdAt, 'it starts when its turn comes')
    t.match(await logOf(second), 'Its turn has come')
    for (const id of [third, second, running[1]]) t.match(await here.cancel(String(id)), { status: 200 }, 'cancelled')
  })

  await t.test('a start: no process is left, its row says why; the restart likewise', async t => {
    const here = await scene(t, app)
    const starting = here.control('start', { workspaceCommandId: 'service:never' })
    const pid = await here.pid('never')
    const [operation] = (await call('GET', `/api/execution-workspaces/${here.workspaceId}/workspace-operations`)).body
    t.match(await here.cancel(operation.id), { status: 200, body: { status: 'cancelled' } })
    t.match(await starting, { status: 422, body: { code: 'service_start_failed', detail: /its start was cancelled/ } })
    t.notOk(lives(pid))
    t.match((await here.get()).runtimeServices, [{ serviceName: 'never', status: 'failed', exitReason: 'its start was cancelled.' }])
  })

  await t.test('a stop is not cancelled, and says so; nor is what has ended otherwise', async t => {
    const here = await scene(t, app)
    const op = await app.app.operations.recorder.begin(operationOf({ ...here, companyId: here.companyId, workspaceId: here.workspaceId }))
    op.refuseCancel('A stop can not be cancelled.')
    t.match(await here.cancel(op.id), { status: 409, body: { code: 'not_cancellable', detail: 'A stop can not be cancelled.', operationId: op.id } })
    await op.finish({ status: 'succeeded' })
    t.match(await here.cancel(op.id), { status: 409, body: { code: 'operation_ended', detail: /succeeded/, status: 409, operationStatus: 'succeeded' } })
    await here.control('start', { workspaceCommandId: 'service:web' })
    t.match(await here.control('stop'), { status: 200 })
    t.same(await activityOf(here.companyId), [])
  })

  await t.test('who may not see it, or not manage it', async t => {
    const here = await scene(t, app)
    const id = await here.run('long')
    for (const [actor, status] of [[person(randomUUID()), 404], [person(here.companyId, 'viewer'), 403], [agentOf(here.companyId, randomUUID()), 403], [{ type: 'none' as const }, 401]] as const) {
      t.equal((await here.cancel(id, { actor })).status, status)
    }
    t.equal((await here.cancel(randomUUID())).status, 404)
    const agentId = randomUUID()
    await db.insertInto('agents').values({ id: agentId, company_id: here.companyId, name: 'Ceo', role: 'ceo', status: 'active' }).execute()
    const runId = randomUUID()
    t.match(await here.cancel(id, { actor: agentOf(here.companyId, agentId, runId) }), { status: 200, body: { metadata: { cancelledBy: { type: 'agent', id: agentId, runId } } } })
    t.match(await activityOf(here.companyId), [{ actorType: 'agent', actorId: agentId, runId }])
  })

  await t.test('on another host: through the database, with its answer', async t => {
    const ids = await companyWithWorkspace(db)
    const elsewhere = await buildTestApp(t, { database })
    const op = await elsewhere.app.operations.recorder.begin(operationOf(ids))
    const ending = new Promise<void>(resolve => op.signal.addEventListener('abort', () => resolve())).then(async () => await op.finish({ status: 'cancelled' }))
    t.match(await call('POST', `/api/workspace-operations/${op.id}/cancel`), { status: 200, body: { status: 'cancelled', metadata: { cancelledBy: { id: 'local' } } } })
    await ending
    const refusing = await elsewhere.app.operations.recorder.begin(operationOf(ids))
    refusing.refuseCancel('Too late.')
    t.match(await call('POST', `/api/workspace-operations/${refusing.id}/cancel`), { status: 409, body: { code: 'not_cancellable', detail: 'Too late.' } })
    await refusing.finish({ status: 'succeeded' })
    t.equal((await activityOf(ids.companyId)).length, 1)
  })

  await t.test('a hundred cancels at random moments of a short job: exactly one outcome each', async t => {
    const busy = await buildTestApp(t, { database, config: { dataDir: await temporaryFolder(t), maxJobs: 5 } })
    const here = await scene(t, busy)
    const seen: Record<string, number> = {}
    const round = async (): Promise<void> => {
      const offsetMs = Math.random() * 120
      const id = await here.run('short')
      await new Promise(resolve => setTimeout(resolve, offsetMs))
      const answer = await here.cancel(id)
      const { status, finishedAt, metadata } = await here.operation(id)
      seen[status] = (seen[status] ?? 0) + 1
      const expected = status === 'cancelled' ? 200 : 409
      if (answer.status !== expected || finishedAt === null) t.fail(`after ${offsetMs} ms: ${status}, answered ${answer.status} ${answer.text}`)
      if ((metadata.cancelledBy !== undefined) !== (status === 'cancelled')) t.fail(`after ${offsetMs} ms: ${status}, but ${JSON.stringify(metadata)}`)
      if ((await busy.call('GET', `/api/workspace-operations/${id}/log`)).body.content.includes('cancelled by') !== (status === 'cancelled')) t.fail(`after ${offsetMs} ms: ${status}, but the log says otherwise`)
    }
    for (let batch = 0; batch < 10; batch++) await Promise.all(Array.from({ length: 10 }, round))
    t.same(Object.keys(seen).filter(status => status !== 'cancelled' && status !== 'succeeded'), [])
    t.equal((seen['cancelled'] ?? 0) + (seen['succeeded'] ?? 0), 100, JSON.stringify(seen))
    const { count } = await db.selectFrom('activity_log').select(eb => eb.fn.countAll<string>().as('count'))
      .where('company_id', '=', here.companyId).where('action', '=', 'execution_workspace.operation_cancelled').executeTakeFirstOrThrow()
    t.equal(Number(count), seen['cancelled'] ?? 0)
    t.same(busy.app.operations.recorder.underWay(), [])
  })
})
