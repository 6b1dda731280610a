/** Status changes with their activity: both or neither. */
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { changeStatus } from '../../../services/archive/transitions.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { onBothDatabases } from '../../fixtures/database.ts'

await onBothDatabases(t, 'a status change', async (t, { db }) => {
  const { addRow, read, activities } = await makeHarbour(t, { db })
  const path = '/data/worktrees/p/feature'
  const id = await addRow({ realized_path: path })
  const change = async (from: 'active' | 'idle' | 'archived', to: 'archiving' | 'archived' | 'active') => await changeStatus({
    db, row: await read(id), actor: localBoard, now: new Date(), from: [from], patch: { status: to, cleanup_reason: 'why' }, action: to === 'archived' ? 'archived' : 'updated'
  })

  const changed = await change('active', 'archived')
  t.match(changed, { status: 'archived', version: 2 })
  const [entry] = await db.selectFrom('activity_log').selectAll().where('entity_id', '=', id).execute()
  t.match(entry, { action: 'execution_workspace.archived', actor_type: 'board', actor_id: 'local', details: { changed: ['status', 'cleanupReason'], status: 'archived' } }, 'names of what changed, never values of it')

  await t.rejects(change('idle', 'archiving'), { code: 'workspace_state_conflict', message: /archived by now/ }, 'only from where it was')
  await addRow({ realized_path: path })
  await t.rejects(change('archived', 'active'), { code: 'worktree_taken' }, 'the folder belongs to another one by now')
  t.equal((await read(id)).version, 2)
  t.equal((await activities(id)).length, 1, 'a change that did not happen leaves no trace')

  const gone = { ...await read(id), id: '11111111-1111-4111-8111-111111111111' }
  await t.rejects(changeStatus({ db, row: gone, actor: localBoard, now: new Date(), from: ['active'], patch: { status: 'archiving' }, action: 'updated' }), { code: 'not_found' })
})
