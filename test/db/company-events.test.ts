import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { insertActivity } from '../../db/activity.ts'
import type { Db } from '../../db/client.ts'
import { adoptRestoredEvents, deleteEventsBefore, latestCursor, listEventsAfter, stateOfCursor, type EventCursor, type EventRow } from '../../db/company-events.ts'
import { updateUnfinishedOperation } from '../../db/workspace-operations.ts'
import { onBothDatabases, openTestDatabase } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { companyWithOperation } from '../fixtures/operations.ts'

const act = async (db: Db, companyId: string, entityId: string) => await insertActivity(db, {
  id: randomUUID(), company_id: companyId, actor_type: 'board', actor_id: 'local', action: 'thing.done', entity_type: 'thing', entity_id: entityId, details: '{"n":1}', created_at: new Date('2026-01-05T10:00:00.120Z')
})

/** All there are, once nothing that is under way elsewhere on the server holds them up. */
async function settled (db: Db, companyId: string | null, after: EventCursor | null, count: number): Promise<EventRow[]> {
  let rows: EventRow[] = []
  await eventually(async () => {
    rows = (await listEventsAfter(db, { companyId, after, limit: 1000 })).rows
    return rows.length >= count
  }, `${count} events`)
  return rows
}

await onBothDatabases(t, 'events of companies', async (t, { db }) => {
  await t.test('an activity is an event, written with it or not at all', async t => {
    const companyId = randomUUID()
    await act(db, companyId, 'a')
    await t.rejects(db.transaction().execute(async trx => {
      await act(trx, companyId, 'undone')
      throw new Error('the change failed')
    }), /the change failed/)
    const rows = await settled(db, companyId, null, 1)
    t.equal(rows.length, 1)
    t.match(rows[0], { company_id: companyId, type: 'thing.done', entity_type: 'thing', entity_id: 'a', data: { actorType: 'board', actorId: 'local', agentId: null, action: 'thing.done', entityId: 'a', details: { n: 1 }, createdAt: '2026-01-05T10:00:00.120Z' } })
  })

  await t.test('each status of an operation is an event, and nothing else about it', async t => {
    const { companyId, operationId, workspaceId } = await companyWithOperation(db)
    await updateUnfinishedOperation(db, operationId, { process_id: 1 })
    await updateUnfinishedOperation(db, operationId, { status: 'queued' })
    await updateUnfinishedOperation(db, operationId, { status: 'running' })
    await updateUnfinishedOperation(db, operationId, { status: 'running' })
    await updateUnfinishedOperation(db, operationId, { status: 'failed', exit_code: 3, finished_at: new Date('2026-01-05T10:00:01Z'), metadata: '{"action":"run","secret":"x"}' })
    const rows = await settled(db, companyId, null, 4)
    t.same(rows.map(({ type }) => type.replace('workspace_operation.', '')), ['started', 'queued', 'started', 'ended'])
    t.match(rows[3], { entity_type: 'workspace_operation', entity_id: operationId })
    const { startedAt, ...data } = rows[3]?.data ?? {}
    t.match(startedAt, /^\d{4}-.*\.\d{3}Z$/)
    t.strictSame(data, {
      id: operationId, executionWorkspaceId: workspaceId, projectWorkspaceId: null, heartbeatRunId: null, phase: 'workspace_provision', action: 'run', status: 'failed', exitCode: 3, finishedAt: '2026-01-05T10:00:01.000Z'
    })
  })

  await t.test('pages follow each other, of one company or of all', async t => {
    const [companyId, other] = [randomUUID(), randomUUID()]
    const start = await latestCursor(db)
    for (const id of ['1', '2', '3', '4', '5']) await act(db, id === '3' ? other : companyId, id)
    await settled(db, null, start, 5)
    const seen: string[] = []
    for (let after: EventCursor | null = start; ;) {
      const { rows }: { rows: EventRow[] } = await listEventsAfter(db, { companyId, after, limit: 2 })
      if (rows.length === 0) break
      seen.push(...rows.map(row => row.entity_id))
      after = rows.at(-1) ?? null
    }
    t.same(seen, ['1', '2', '4', '5'])
    t.same((await settled(db, null, start, 5)).map(row => row.entity_id).filter(id => id.length === 1), ['1', '2', '3', '4', '5'])
    t.same((await listEventsAfter(db, { companyId, after: await latestCursor(db), limit: 10 })).rows.length, 0, 'from now on there is none')
  })

  await t.test('old events go in small steps, and who has missed some can tell', async t => {
    const [companyId, other] = [randomUUID(), randomUUID()]
    for (const id of ['1', '2', '3']) await act(db, companyId, id)
    await act(db, other, '1')
    const rows = await settled(db, companyId, null, 3)
    await settled(db, other, null, 1)
    t.equal(await deleteEventsBefore(db, new Date(Date.now() - 3_600_000), 100), 0, 'none is that old')
    await sql`update company_events set created_at = now() - interval '2 hours' where company_id <> ${other} and (txid, seq) <= (${rows[1]?.txid}::xid8, ${rows[1]?.seq}::bigint)`.execute(db)
    const before = new Date(Date.now() - 3_600_000)
    t.equal(await deleteEventsBefore(db, before, 2), 2)
    while (await deleteEventsBefore(db, before, 2) > 0);
    t.same((await settled(db, companyId, null, 1)).map(row => row.entity_id), ['3'])
    t.equal(await stateOfCursor(db, companyId, { txid: '0', seq: '0' }), 'gone')
    t.equal(await stateOfCursor(db, companyId, rows[0] as EventCursor), 'gone')
    t.equal(await stateOfCursor(db, companyId, rows[1] as EventCursor), 'good')
    t.equal(await stateOfCursor(db, other, { txid: '0', seq: '0' }), 'good')
    t.equal(await stateOfCursor(db, companyId, await latestCursor(db)), 'good')
    t.equal(await stateOfCursor(db, companyId, { txid: '9999999999', seq: '1' }), 'ahead')
  })
})

await onBothDatabases(t, 'events of a restored dump go before those to come', async (t, { db }) => {
  const companyId = randomUUID()
  t.equal(await adoptRestoredEvents(db), false)
  for (const id of ['1', '2']) await act(db, companyId, id)
  const before = await settled(db, companyId, null, 2)
  t.equal(await adoptRestoredEvents(db), false, 'what this server wrote is left as it is')
  await sql`update company_events set txid = (txid::text::bigint + 5000000000)::text::xid8`.execute(db)
  const [last] = (await sql<EventCursor>`select txid, seq from company_events order by txid desc limit 1`.execute(db)).rows
  t.equal(await stateOfCursor(db, companyId, last as EventCursor), 'ahead')
  t.equal(await adoptRestoredEvents(db), true)
  await act(db, companyId, '3')
  const rows = await settled(db, companyId, null, 3)
  t.same(rows.map(row => row.entity_id), ['1', '2', '3'])
  t.same(rows.slice(0, 2).map(({ data }) => data), before.map(({ data }) => data))
})

t.test('events of a transaction that ends late are neither skipped nor out of order', async t => {
  const { db } = await openTestDatabase(t, 'postgres')
  const companyId = randomUUID()
  const go = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const slow = db.transaction().execute(async trx => {
    await act(trx, companyId, 'slow 1')
    written.resolve()
    await go.promise
    await act(trx, companyId, 'slow 2')
  })
  await written.promise
  await act(db, companyId, 'quick')
  t.strictSame(await listEventsAfter(db, { companyId, after: null, limit: 10 }), { rows: [], held: true }, 'the quick one waits')
  const start = await latestCursor(db)
  go.resolve()
  await slow
  const rows = await settled(db, companyId, start, 3)
  t.same(rows.map(row => row.entity_id), ['slow 1', 'slow 2', 'quick'], 'a cursor of now taken meanwhile has them all')
  t.same((await settled(db, companyId, rows[0] as EventCursor, 2)).map(row => row.entity_id), ['slow 2', 'quick'])
})
