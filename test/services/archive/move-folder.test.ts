/** A plain folder leaves its place without anything of it being deleted. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { writeFiles } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const harbour = await makeHarbour(t, { db })

t.test('a plain folder of the service moves into the data dir and comes back', async t => {
  const { archive, addRow, dataDir, repo } = harbour
  const path = join(dirname(repo), 'plain')
  await writeFiles(path, { 'a/file': 'content\n' })
  const local = { strategy_type: 'project_primary', provider_type: 'local_fs', created_by_runtime: true } as const
  const id = await addRow({ ...local, cwd: path, realized_path: path })
  t.same((await archive.closeReadiness(localBoard, id)).plannedActions.map(action => action.kind), ['archive_record', 'rescue_snapshot', 'remove_local_directory'])
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.notOk(existsSync(path))
  t.equal(readFileSync(join(dataDir, 'rescued', id, 'a', 'file'), 'utf8'), 'content\n')
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'a', 'file'), 'utf8'), 'content\n')

  const holding = await addRow({ ...local, cwd: dirname(repo), realized_path: dirname(repo) })
  const kept = await archive.archive(localBoard, holding)
  t.match(kept.workspace, { status: 'archived', cleanupReason: /is kept: .*holds .*project workspace/ })
  t.ok(existsSync(join(repo, '.git')))
})
