import t from 'tap'
import { Activity } from '../../../openapi/schemas/directory.ts'
import { WorkspaceOperation } from '../../../openapi/schemas/operation.ts'
import { createActivity, recordActivity } from '../../../services/operations/activity.ts'
import { toOperation } from '../../../services/operations/shape.ts'
import { systemActor } from '../../../services/access/actor.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithOperation } from '../../fixtures/operations.ts'

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

await onBothDatabases(t, 'a row', async (t, { db }) => {
  const { companyId, operationId, workspaceId } = await companyWithOperation(db)

  await t.test('of an operation has every field the schema names, and nothing of the server\'s own', async t => {
    await db.updateTable('workspace_operations').set({ log_bytes: 1234, finished_at: new Date(), metadata: '{"a":1}', spawn_mark: 'mark' }).execute()
    const operation = toOperation(await db.selectFrom('workspace_operations').selectAll().where('id', '=', operationId).executeTakeFirstOrThrow())
    t.same(Object.keys(operation).sort(), Object.keys(WorkspaceOperation.properties).sort())
    t.match(operation, { id: operationId, executionWorkspaceId: workspaceId, logBytes: 1234, metadata: { a: 1 }, startedAt: time, finishedAt: time })
  })

  await t.test('of activity has every field the schema names', async t => {
    await recordActivity(db, { companyId, actor: systemActor, action: 'x.y', entityType: 'x', entityId: '1' })
    const { items: [activity] } = await createActivity({ db }).list(companyId, {})
    t.same(Object.keys(activity ?? {}).sort(), Object.keys(Activity.properties).sort())
    t.match(activity, { createdAt: time, details: null })
  })
})
