/** The commands of an archive: their order, their operations, their failures. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'

const { db } = await openTestDatabase(t, 'pglite')

t.test('the commands run in their order, each its own operation, and a failing one is a warning', async t => {
  const { archive, addWorkspace, projectWorkspaceId, repo, operations } = await makeHarbour(t, { db, files: { 'README.md': '#\n', 'teardown.sh': 'echo owner >> "$BERTH_WORKSPACE_REPO_ROOT/../order"\n' } })
  const order = join(dirname(repo), 'order')
  await db.updateTable('project_workspaces').set({ cleanup_command: `echo project >> ${order}; exit 3` }).where('id', '=', projectWorkspaceId).execute()
  const { id, path } = await addWorkspace('feature', {
    config: JSON.stringify({ cleanupCommand: `echo own $BERTH_WORKSPACE_BRANCH >> ${order}` }),
    strategy: JSON.stringify({ teardownCommand: 'sh ./teardown.sh' })
  })
  await writeFile(join(path, 'teardown.sh'), `echo branch >> ${order}\n`)
  const { workspace } = await archive.archive(localBoard, id)
  t.equal(readFileSync(order, 'utf8'), 'own feature\nproject\nowner\n', "the owner repository's script ran, not the branch's")
  t.equal(workspace.status, 'archived')
  t.match(workspace.cleanupReason, /^The project workspace's cleanup command exited with 3 \(operation [0-9a-f-]{36}\)\.$/)
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded', 'workspace_teardown succeeded', 'workspace_teardown failed', 'workspace_teardown succeeded'])
})
