/** Leases as rows and activity, and how services are judged by them; on both databases. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { endLease, giveBackLease, judgeServices, prolongLease, settleLease, takeLease, toLease } from '../../../services/runtime/leases.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { leaseRows, later } from '../../fixtures/leases.ts'

await onBothDatabases(t, 'leases of runs', async (t, { db }) => {
  const { workspace, ownWorkspace, lease, service, companyId, hostId } = await leaseRows(db)
  const actor = localBoard
  const activities = async (id: string) => (await db.selectFrom('activity_log').select(['action', 'actor_type', 'details']).where('entity_id', '=', id).orderBy('seq').execute())
  const takeOn = (id: string, runId: string, now: Date, more: { agentId?: string, issueId?: string, holdMs?: number } = {}) => db.transaction().execute(async trx => await takeLease(trx, {
    workspace: { id, company_id: companyId }, runId, agentId: more.agentId ?? null, issueId: more.issueId ?? null, holdUntil: new Date(now.getTime() + (more.holdMs ?? 60_000)), actor, now
  }))

  await t.test('the first lease of a run is new, the second is the first one, held longer', async t => {
    const id = await workspace()
    const [runId, agentId, issueId] = [randomUUID(), randomUUID(), randomUUID()]
    const now = new Date()
    const first = await takeOn(id, runId, now, { agentId })
    t.match(first, { isNew: true, lease: { run_id: runId, agent_id: agentId, issue_id: null } })
    const second = await takeOn(id, runId, new Date(now.getTime() + 1000), { issueId })
    t.match(second, { isNew: false, lease: { id: first.lease.id, agent_id: agentId, issue_id: issueId } })
    t.ok(second.lease.expires_at > first.lease.expires_at)
    t.equal((await takeOn(id, runId, now, { holdMs: 1 })).lease.expires_at.getTime(), second.lease.expires_at.getTime(), 'never less than it was')
    t.match(await activities(id), [{ action: 'execution_workspace.lease_acquired', actor_type: 'board', details: { leaseId: first.lease.id, runId, agentId } }])
    t.equal((await activities(id)).length, 1, 'holding on is no new deed')
  })

  await t.test('a lease whose time is up makes room, and is told as expired', async t => {
    const id = await workspace()
    const runId = randomUUID()
    const now = new Date()
    const over = await lease(id, { run_id: runId, expires_at: new Date(1000) })
    const { lease: taken, isNew } = await takeOn(id, runId, now)
    t.ok(isNew)
    t.not(taken.id, over.id)
    t.same((await activities(id)).map(one => `${one.action} ${one.actor_type}`), ['execution_workspace.lease_expired system', 'execution_workspace.lease_acquired board'])
  })

  await t.test('taking, prolonging, settling and ending are uses of the services', async t => {
    const id = await ownWorkspace()
    const { id: serviceId } = await service(id)
    const usedAt = async () => (await db.selectFrom('runtime_services').select('last_used_at').where('id', '=', serviceId).executeTakeFirstOrThrow()).last_used_at.getTime()
    const [runId, begin] = [randomUUID(), Date.now()]
    const at = (step: number) => new Date(begin + step)
    const { lease: taken } = await takeOn(id, runId, at(1))
    t.equal(await usedAt(), begin + 1)
    await prolongLease(db, { workspaceId: id, runId, expiresAt: later(50_000), now: at(2) })
    t.equal(await usedAt(), begin + 2)
    await settleLease(db, taken, later(60_000), at(3))
    t.equal(await usedAt(), begin + 3)
    t.equal((await endLease(db, taken, { action: 'lease_released', actor, now: at(4) }))?.released_at?.getTime(), begin + 4)
    t.equal(await usedAt(), begin + 4)
    for (const late of [await endLease(db, taken, { action: 'lease_released', actor, now: at(5) }), await settleLease(db, taken, later(1), at(5)), await prolongLease(db, { workspaceId: id, runId, expiresAt: later(1), now: at(5) })]) t.equal(late, undefined)
    t.equal(await usedAt(), begin + 4, 'what has ended is no use')
    t.equal((await activities(id)).length, 2)
  })

  await t.test('expiry is for leases whose time is up', async t => {
    const id = await workspace()
    const live = await lease(id)
    t.equal(await endLease(db, live, { action: 'lease_expired', actor, now: new Date() }), undefined)
    t.match(await endLease(db, live, { action: 'lease_expired', actor, now: later(1e6) }), { id: live.id })
  })

  await t.test('one that is given back is gone, and says why', async t => {
    const id = await workspace()
    const { lease: taken } = await takeOn(id, randomUUID(), new Date())
    await giveBackLease(db, taken, actor)
    await giveBackLease(db, taken, actor)
    t.same(await db.selectFrom('run_leases').select('id').where('id', '=', taken.id).execute(), [])
    t.match(await activities(id), [{ action: 'execution_workspace.lease_acquired' }, { action: 'execution_workspace.lease_released', details: { reason: 'start_failed' } }])
    t.equal((await activities(id)).length, 2)
  })

  await t.test('services are judged by what holds them and what has ended, the last first', async t => {
    const id = await ownWorkspace()
    const policy = { stop_policy: JSON.stringify({ type: 'on_run_finish' }) }
    const { id: finished } = await service(id, policy)
    const ended = [await lease(id, { released_at: new Date(3000) }), await lease(id, { released_at: new Date(2000) })]
    const judge = async (ids: string[]) => (await judgeServices(db, { hostId, ids, now: new Date() })).map(({ decision }) => decision)
    t.match(await judge([finished]), [{ stop: true, runId: ended[0]?.run_id }])
    const holder = await lease(id)
    t.same(await judge([finished]), [{ stop: false, isDue: true, heldBy: [holder.run_id] }])
    t.same(await judge([randomUUID()]), [])
    // Until it is released, one whose time is up holds: its release is what services are judged by.
    await db.updateTable('run_leases').set({ expires_at: new Date(0) }).where('id', '=', holder.id).execute()
    t.same(await judge([finished]), [{ stop: false, isDue: true, heldBy: [holder.run_id] }])
  })

  await t.test('a lease is shown in the API’s words', async t => {
    const row = await lease(await workspace(), { expires_at: new Date(5000), released_at: new Date(6000) })
    t.match(toLease(row), { id: row.id, companyId, executionWorkspaceId: row.execution_workspace_id, runId: row.run_id, agentId: null, issueId: null, expiresAt: '1970-01-01T00:00:05.000Z', releasedAt: '1970-01-01T00:00:06.000Z' })
  })
})
