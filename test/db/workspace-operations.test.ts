import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { upsertHost } from '../../db/hosts.ts'
import { addedMetadata, findOperation, insertOperation, listOperationStatuses, listOperationsOfRun, listOperationsOfWorkspace, listUnfinishedOperations, updateUnfinishedOperation } from '../../db/workspace-operations.ts'
import type { NewRow } from '../../db/tables.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithWorkspace } from '../fixtures/operations.ts'

await onBothDatabases(t, 'rows of operations', async (t, { db, kind }) => {
  const { companyId, workspaceId } = await companyWithWorkspace(db)
  const hostId = randomUUID()
  await upsertHost(db, { id: hostId, name: 'x', instanceId: randomUUID(), pid: 1, dataDir: '/x' })
  const row = (extra: Partial<NewRow<'workspace_operations'>> = {}): NewRow<'workspace_operations'> => ({ id: randomUUID(), company_id: companyId, execution_workspace_id: workspaceId, host_id: hostId, phase: 'workspace_provision', status: 'running', ...extra })

  await t.test('change only until they have ended', async t => {
    const { id } = await insertOperation(db, row({ metadata: '{"a":1,"b":1}' }))
    t.match(await updateUnfinishedOperation(db, id, { status: 'failed', metadata: addedMetadata('{"b":2,"c":3}') }), { status: 'failed', metadata: { a: 1, b: 2, c: 3 } })
    t.equal(await updateUnfinishedOperation(db, id, { status: 'succeeded' }), undefined)
    t.match(await findOperation(db, id), { status: 'failed' })
    const bare = await insertOperation(db, row())
    t.match(await updateUnfinishedOperation(db, bare.id, { status: 'failed', metadata: addedMetadata('{"x":1}') }), { metadata: { x: 1 } })
    t.equal(await findOperation(db, randomUUID()), undefined)
  })

  await t.test('that have not ended are found by their host', async t => {
    const running = await insertOperation(db, row())
    const queued = await insertOperation(db, row({ status: 'queued' }))
    await insertOperation(db, row({ status: 'cancelled' }))
    await insertOperation(db, row({ host_id: null }))
    t.same((await listUnfinishedOperations(db, hostId)).map(({ id }) => id), [running.id, queued.id])
  })

  await t.test('tell many statuses at once, of those that exist', async t => {
    const running = await insertOperation(db, row())
    const failed = await insertOperation(db, row({ status: 'failed' }))
    t.same(new Map((await listOperationStatuses(db, [running.id, randomUUID(), failed.id])).map(({ id, status }) => [id, status])), new Map([[running.id, 'running'], [failed.id, 'failed']]))
    t.same(await listOperationStatuses(db, []), [])
  })

  await t.test('are listed by what comes after a place, which costs an index', async t => {
    const run = randomUUID()
    const made = []
    for (let index = 0; index < 4; index++) made.push(await insertOperation(db, row({ heartbeat_run_id: run })))
    const [first, second, third, fourth] = made.map(({ seq }) => seq)
    t.same((await listOperationsOfWorkspace(db, workspaceId, { limit: 2, after: fourth ?? null })).map(({ seq }) => seq), [third, second])
    t.same((await listOperationsOfRun(db, run, null, { limit: 2, after: first ?? null })).map(({ seq }) => seq), [second, third])
    t.same((await listOperationsOfRun(db, run, [companyId], { limit: 9, after: null })).length, 4)
    t.same(await listOperationsOfRun(db, run, [randomUUID()], { limit: 9, after: null }), [])
    await sql`analyze workspace_operations`.execute(db)
    const plan = await db.transaction().execute(async trx => {
      await sql`set local enable_seqscan = off`.execute(trx)
      return await sql<{ 'QUERY PLAN': string }>`explain select * from workspace_operations where execution_workspace_id = ${workspaceId} and seq < 1000 order by seq desc limit 100`.execute(trx)
    })
    t.match(plan.rows.map(line => line['QUERY PLAN']).join('\n'), /Index Scan.* workspace_operations_(workspace|seq)/, kind)
  })
})
