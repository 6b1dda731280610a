/** Closing and reopening as an actor does it: who may, one at a time, and what is answered. */
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { isProblem } from '../../../services/errors.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })

t.test('two archives at once: one does it, the other gets its result or a 409', async t => {
  const { archive, addWorkspace, operations } = harbour
  const { id } = await addWorkspace('work-1')
  const results = await Promise.allSettled([archive.archive(localBoard, id), archive.archive(localBoard, id)])
  for (const result of results) {
    if (result.status === 'fulfilled') t.equal(result.value.workspace.status, 'archived')
    else t.ok(isProblem(result.reason) && result.reason.statusCode === 409)
  }
  t.ok(results.some(result => result.status === 'fulfilled'))
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded'], 'it was done once')
  const again = await archive.archive(localBoard, id)
  t.equal(again.operation.phase, 'worktree_cleanup')
  t.equal(again.operation.status, 'succeeded', 'the finished result')
})

t.test('a workspace somebody works in is busy', async t => {
  const { archive, addWorkspace, locks, read } = harbour
  const { id } = await addWorkspace('work-2')
  const error: unknown = await locks.withLock({ resource: `workspace:${id}`, mode: 'shared', purpose: 'the job test', waitMs: 0 },
    async () => await archive.archive(localBoard, id).catch((error: unknown) => error))
  t.match(error, { code: 'workspace_busy', statusCode: 409 })
  t.equal((await read(id)).status, 'active')
})
