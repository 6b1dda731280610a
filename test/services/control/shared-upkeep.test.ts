/** What all hosts share is kept in order by one of them. (What goes, and what stays: the tests of retention and of leases.) */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

t.test('leases of a host that is gone are released, and old entries go', async t => {
  const { app, database: { db } } = await buildTestApp(t, { config: { retainActivityDays: 1 } })
  const { companyId, workspaceId } = await companyWithWorkspace(db)
  const hostId = randomUUID()
  await upsertHost(db, { id: hostId, name: 'a host', instanceId: randomUUID(), pid: 1, dataDir: '/nowhere' })
  await db.updateTable('execution_workspaces').set({ host_id: hostId }).where('id', '=', workspaceId).execute()
  const lease = async (overForMs: number) => {
    const id = randomUUID()
    await db.insertInto('run_leases').values({ id, company_id: companyId, execution_workspace_id: workspaceId, run_id: randomUUID(), expires_at: new Date(Date.now() - overForMs) }).execute()
    return id
  }
  const [over, justOver] = [await lease(120_000), await lease(1_000)]
  await db.insertInto('activity_log').values({ id: randomUUID(), company_id: companyId, actor_type: 'system', action: 'x', entity_type: 'x', entity_id: 'x', created_at: new Date(0) }).execute()
  t.match(await app.upkeep.keep(), { leases: 1, activity: 1 })
  const released = await db.selectFrom('run_leases').select('id').where('released_at', 'is not', null).execute()
  t.same(released, [{ id: over }], 'its own host comes first')
  t.not(over, justOver)
})
