import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertService } from '../../../db/runtime-services.ts'
import { createCurrentServices } from '../../../services/runtime/current-services.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')
const currentServicesOf = createCurrentServices({ db })

t.test('services are given by the place they belong to, every place asked for has a list', async t => {
  const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
  const projectWorkspaceId = randomUUID()
  await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main' }).execute()
  const row = async (name: string, executionWorkspaceId: string | null) => await insertService(db, {
    id: randomUUID(), company_id: companyId, project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: executionWorkspaceId, scope_type: 'project_workspace', service_name: name, status: 'running', lifecycle: 'shared', identity_key: name, provider: 'local_process', health_status: 'unknown'
  })
  await row('of the execution workspace', workspaceId)
  await row('of the project workspace', null)
  const empty = randomUUID()
  const services = await currentServicesOf({ executionWorkspaceIds: [workspaceId, empty], projectWorkspaceIds: [projectWorkspaceId] })
  t.same([...services].map(([id, list]) => [id, list.map(({ serviceName }) => serviceName)]), [
    [workspaceId, ['of the execution workspace']], [empty, []], [projectWorkspaceId, ['of the project workspace']]
  ])
  t.equal((await currentServicesOf({ executionWorkspaceIds: [], projectWorkspaceIds: [] })).size, 0)
})
