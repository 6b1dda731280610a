/** A workspace is used by those who may manage it, and never while it is archived. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { createRuntimeAccess } from '../../../services/access/runtime-access.ts'
import { openWorkspace, whileUsable } from '../../../services/control/usable-workspace.ts'
import { createLocks } from '../../../services/operations/locks.ts'
import { agentOf, person } from '../../fixtures/app.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { leaseRows } from '../../fixtures/leases.ts'

t.test('a workspace in use', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const { workspace, companyId, hostId } = await leaseRows(db)
  const deps = { db, access: createRuntimeAccess({ db }), locks: createLocks({ db, hostId }) }
  const archive = async (id: string) => await db.updateTable('execution_workspaces').set({ status: 'archived' }).where('id', '=', id).execute()

  await t.test('is opened for those who may manage it, unless its state has no room', async t => {
    const id = await workspace()
    t.match(await openWorkspace(deps, localBoard, id), { id, companyId })
    await t.rejects(openWorkspace(deps, localBoard, randomUUID()), { code: 'not_found' })
    await t.rejects(openWorkspace(deps, person(randomUUID()), id), { code: 'not_found' })
    await t.rejects(openWorkspace(deps, person(companyId, 'viewer'), id), { code: 'forbidden' })
    await t.rejects(openWorkspace(deps, agentOf(companyId, randomUUID()), id), { code: 'forbidden' })
    for (const status of ['archived', 'archiving', 'provisioning'] as const) {
      await t.rejects(openWorkspace(deps, localBoard, await workspace({ status })), { code: 'workspace_state_conflict', statusCode: 409 })
    }
  })

  await t.test('is looked at again once whoever had it alone is done', async t => {
    const id = await workspace()
    const place = await openWorkspace(deps, localBoard, id)
    let used = false
    const using = deps.locks.withLock({ resource: `workspace:${id}`, mode: 'exclusive', purpose: 'archiving', waitMs: 0 }, async () => {
      const waiting = whileUsable(deps, place, 'testing', async () => { used = true })
      waiting.catch(() => { /* Looked at below. */ })
      await archive(id)
      return { waiting }
    })
    await t.rejects((await using).waiting, { code: 'workspace_state_conflict' })
    t.notOk(used)
  })

  await t.test('can not be taken over meanwhile, and is given back', async t => {
    const id = await workspace()
    const alone = { resource: `workspace:${id}`, mode: 'exclusive' as const, purpose: 'archiving', waitMs: 0 }
    const place = await openWorkspace(deps, localBoard, id)
    t.equal(await whileUsable(deps, place, 'testing', async current => {
      t.equal(current.id, id)
      await t.rejects(deps.locks.withLock(alone, async () => {}), { code: 'workspace_busy', detail: /testing/ })
      return 7
    }), 7)
    await deps.locks.withLock(alone, async () => {})
  })
})
