/** A service that does not end keeps the files where they are. (Services that do end: the tests of the routes.) */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { StopIncomplete } from '../../../services/errors.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'

t.test('what can not be stopped keeps everything in place, and the others are stopped all the same', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const tried: string[] = []
  const { archive, addWorkspace, companyId, projectId, hostId, operations } = await makeHarbour(t, {
    db,
    async stopService (row) {
      tried.push(row.service_name)
      if (row.service_name === 'stubborn') throw new StopIncomplete('stubborn could not be stopped: processes 1 are still alive.')
      return null
    }
  })
  const { id, path } = await addWorkspace('feature', { config: JSON.stringify({ cleanupCommand: 'touch ran' }) })
  for (const name of ['stubborn', 'gentle']) {
    await db.insertInto('runtime_services').values({
      id: randomUUID(),
      company_id: companyId,
      project_id: projectId,
      execution_workspace_id: id,
      scope_type: 'execution_workspace',
      service_name: name,
      status: 'running',
      lifecycle: 'ephemeral',
      identity_key: name,
      provider: 'local_process',
      health_status: 'unknown',
      host_id: hostId
    }).execute()
  }
  t.match((await archive.closeReadiness(localBoard, id)).warnings, ['Archiving stops 2 runtime services: stubborn and gentle.'])
  const { workspace, operation } = await archive.archive(localBoard, id)
  t.match(workspace, { status: 'cleanup_failed', cleanupReason: 'Stubborn could not be stopped: processes 1 are still alive.' })
  t.match(operation, { status: 'failed', metadata: { error: { code: 'stop_incomplete' } } })
  t.same(tried.sort(), ['gentle', 'stubborn'])
  t.ok(existsSync(path))
  t.same(await operations(id), ['worktree_cleanup failed', 'workspace_teardown failed'], 'neither a snapshot nor a command came to pass')
})
