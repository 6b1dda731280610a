/** How steps are recorded. */
import t from 'tap'
import { agentOf } from '../../fixtures/app.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { newRecorder } from '../../fixtures/operations.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { localBoard } from '../../../services/access/actor.ts'
import { stepInput } from '../../../services/archive/archive-run.ts'
import { createArchive } from '../../../services/control/archive.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'

t.test('a step names the workspace and the run it is done for', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const { addWorkspace, read, archive, recorder, operations, deps, dataDir, hostId, companyId, projectWorkspaceId } = await makeHarbour(t, { db })
  const { id } = await addWorkspace('feature', { config: JSON.stringify({ cleanupCommand: 'echo begun; sleep 60' }) })
  const row = await read(id)
  t.match(stepInput(row, agentOf(companyId, 'an-agent', 'a-run'), { phase: 'workspace_rescue', metadata: { action: 'archive' } }), {
    companyId, executionWorkspaceId: id, projectWorkspaceId, heartbeatRunId: 'a-run', phase: 'workspace_rescue', command: null, cwd: null, metadata: { executionWorkspaceId: id, action: 'archive' }
  })

  await t.test('when the service stops in the middle, the next start goes on', async t => {
    const archiving = archive.archive(localBoard, id).then(() => null, (error: unknown) => error)
    await eventually(async () => (await operations(id)).includes('workspace_teardown running'), 'the command runs')
    await recorder.endAll(new ServiceStopping(), 20_000)
    t.match(await archiving, { code: 'unavailable', statusCode: 503 })
    t.equal((await read(id)).status, 'archiving')
    t.same(await operations(id), ['worktree_cleanup interrupted', 'workspace_rescue succeeded', 'workspace_teardown interrupted'])

    await db.updateTable('execution_workspaces').set({ config: null }).where('id', '=', id).execute()
    const next = createArchive({ ...deps, recorder: (await newRecorder(db, dataDir, { hostId })).recorder })
    t.match(await next.finishInterrupted(await read(id)), { status: 'archived' })
  })
})
