/** How making a workspace ends: only what is still being made is made active or failed. */
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'
import { problemOf } from '../../fixtures/workspaces.ts'
import { findWorkspace } from '../../../db/execution-workspaces.ts'
import { systemActor } from '../../../services/access/actor.ts'
import { activate, markFailed } from '../../../services/workspaces/outcome.ts'
import type { WorkspaceRow } from '../../../services/workspaces/shape.ts'

test('the end of making a workspace', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const { workspaceId } = await companyWithWorkspace(db)
  const now = new Date('2026-01-31T12:00:00.000Z')
  const row = await findWorkspace(db, workspaceId) as WorkspaceRow
  const set = async (status: WorkspaceRow['status']): Promise<void> => {
    await db.updateTable('execution_workspaces').set({ status, cleanup_reason: 'before' }).where('id', '=', workspaceId).execute()
  }

  await set('archived')
  t.match(await problemOf(activate(db, row, {}, now)), { code: 'workspace_state_conflict', statusCode: 409 })
  await markFailed(db, row, {}, 'why', systemActor, now)
  t.match(await findWorkspace(db, workspaceId), { status: 'archived', cleanup_reason: 'before' })
  t.same(await db.selectFrom('activity_log').select('id').execute(), [], 'what did not happen is not recorded')

  await set('provisioning')
  await markFailed(db, row, { realized_path: null }, 'why', systemActor, now)
  t.match(await findWorkspace(db, workspaceId), { status: 'provision_failed', cleanup_reason: 'why', version: row.version + 1 })
  t.match(await db.selectFrom('activity_log').selectAll().execute(), [{ action: 'execution_workspace.updated', actor_type: 'system', details: { status: 'provision_failed' } }])

  await set('provisioning')
  t.match(await activate(db, row, {}, now), { status: 'active', cleanup_reason: null, last_used_at: now })
  const { details } = await db.selectFrom('activity_log').select('details').orderBy('seq', 'desc').limit(1).executeTakeFirstOrThrow()
  t.same(details, { changed: ['status'], status: 'active' })
})
