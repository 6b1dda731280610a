import { randomUUID } from 'node:crypto'
import t from 'tap'
import { isUniqueViolation } from '../../db/errors.ts'
import { deleteLease, endLeaseNow, findUnreleasedLease, insertLease, listLiveLeases, listOverdueLeases, listUnreleasedOfRun, releaseLease, renewLease, setLeaseEnd } from '../../db/run-leases.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { later, leaseRows } from '../fixtures/leases.ts'

await onBothDatabases(t, 'run leases', async (t, { db }) => {
  const { workspace, lease, companyId, hostId } = await leaseRows(db)
  const now = new Date()
  const page = { limit: 10, after: null }

  await t.test('a run has one lease on a workspace that is not released', async t => {
    const id = await workspace()
    const { run_id: runId, id: leaseId } = await lease(id)
    const again = { id: randomUUID(), company_id: companyId, execution_workspace_id: id, run_id: runId, expires_at: later(1) }
    const error = await insertLease(db, again).catch((error: unknown) => error)
    t.ok(isUniqueViolation(error, 'run_leases_one_live'))
    t.equal((await releaseLease(db, leaseId, now))?.id, leaseId)
    t.equal(await releaseLease(db, leaseId, now), undefined, 'it is released once')
    t.equal((await insertLease(db, again)).id, again.id)
    t.equal((await findUnreleasedLease(db, id, runId))?.id, again.id)
  })

  await t.test('only a live lease is renewed; what is not told is kept', async t => {
    const id = await workspace()
    const [agentId, issueId] = [randomUUID(), randomUUID()]
    const { run_id: runId, expires_at: end } = await lease(id, { agent_id: agentId, expires_at: later(50_000) })
    const sooner = later(10_000)
    t.match(await renewLease(db, { workspaceId: id, runId, issueId, expiresAt: sooner, atLeast: true, now }), { agent_id: agentId, issue_id: issueId, expires_at: end })
    t.match(await renewLease(db, { workspaceId: id, runId, expiresAt: sooner, now }), { agent_id: agentId, issue_id: issueId, expires_at: sooner })
    t.equal(await renewLease(db, { workspaceId: id, runId, expiresAt: later(1e6), now: later(20_000) }), undefined, 'its time is up')
    t.equal(await renewLease(db, { workspaceId: id, runId: randomUUID(), expiresAt: sooner, now }), undefined)
  })

  await t.test('an overdue lease is released as such only while it was not renewed', async t => {
    const id = await workspace()
    const over = await lease(id, { expires_at: new Date(1000) })
    await setLeaseEnd(db, over.id, later(60_000), now)
    t.equal(await releaseLease(db, over.id, now, { overdue: true }), undefined)
    await setLeaseEnd(db, over.id, new Date(1000), now)
    t.match(await releaseLease(db, over.id, now, { overdue: true }), { released_at: now })
    t.equal(await setLeaseEnd(db, over.id, later(1), now), undefined, 'a released one gets no other end')
    t.equal(await deleteLease(db, over.id), undefined, 'nor is it removed')
    const end = later(5)
    await endLeaseNow(db, over.id, end)
    t.same((await db.selectFrom('run_leases').select('released_at').where('id', '=', over.id).executeTakeFirst())?.released_at, end)
  })

  await t.test('live ones are listed, the newest first and a page at a time', async t => {
    const id = await workspace()
    const [older, newer] = [await lease(id, { created_at: new Date(1000) }), await lease(id, { created_at: new Date(2000) })]
    await lease(id, { expires_at: new Date(1000) })
    await lease(id, { released_at: now })
    t.same((await listLiveLeases(db, id, now, page)).map(one => one.id), [newer.id, older.id])
    t.same((await listLiveLeases(db, id, now, { limit: 1, after: { createdAt: newer.created_at, id: newer.id } })).map(one => one.id), [older.id])
  })

  await t.test('a run holds several workspaces', async t => {
    const runId = randomUUID()
    const [first, second] = [await lease(await workspace(), { run_id: runId, created_at: new Date(1) }), await lease(await workspace(), { run_id: runId, expires_at: new Date(1000) })]
    await lease(await workspace(), { run_id: runId, released_at: now })
    t.same((await listUnreleasedOfRun(db, runId)).map(one => one.id), [first.id, second.id], 'one whose time is up too')
  })

  await t.test('overdue are those of this host and of no host', async t => {
    await db.deleteFrom('run_leases').execute()
    const other = randomUUID()
    await db.insertInto('hosts').values({ id: other, name: 'other', instance_id: randomUUID(), pid: 1, data_dir: '/other' }).execute()
    const mine = await lease(await workspace(), { expires_at: new Date(2000) })
    const nobodys = await lease(await workspace({ host_id: null }), { expires_at: new Date(1000) })
    await lease(await workspace({ host_id: other }), { expires_at: new Date(1000) })
    await lease(await workspace(), { expires_at: new Date(1000), released_at: now })
    await lease(await workspace())
    t.same((await listOverdueLeases(db, hostId, now, 10)).map(one => one.id), [nobodys.id, mine.id])
    t.equal((await listOverdueLeases(db, hostId, now, 1)).length, 1)
  })
})
