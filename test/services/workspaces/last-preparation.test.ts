/** What is known of earlier attempts to make a workspace's files. */
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'
import { interruptedPreparations, lastPreparation, wholeCreation } from '../../../services/workspaces/last-preparation.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

test('the last preparation that succeeded tells what it made; interrupted ones are counted', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const ids = await companyWithWorkspace(db)
  const { recorder } = await newRecorder(db, await temporaryFolder(t))
  const record = async (status: 'succeeded' | 'failed' | 'interrupted', metadata = {}, phase: 'worktree_prepare' | 'workspace_provision' | 'workspace_teardown' = 'worktree_prepare'): Promise<void> => {
    const op = await recorder.begin(operationOf(ids, { phase }))
    await op.finish({ status, metadata })
  }
  t.equal(await lastPreparation(db, ids.workspaceId), null)
  await record('interrupted', { created: true })
  await record('failed', { created: true })
  t.equal(await lastPreparation(db, ids.workspaceId), null)
  await record('succeeded', { created: true, branchCreated: true })
  await record('succeeded', { created: false })
  await record('interrupted', {}, 'workspace_teardown')
  t.same(await lastPreparation(db, ids.workspaceId), { created: false, branchCreated: false })
  t.equal(await interruptedPreparations(db, ids.workspaceId), 1)
  await record('interrupted', wholeCreation.metadata, wholeCreation.phase)
  t.equal(await interruptedPreparations(db, ids.workspaceId), 1, 'what spans the steps is none of them')
  await record('interrupted', { action: 'provision' }, 'workspace_provision')
  t.equal(await interruptedPreparations(db, ids.workspaceId), 2)
})
