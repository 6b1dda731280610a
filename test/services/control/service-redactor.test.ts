import { randomUUID } from 'node:crypto'
import t from 'tap'
import { serviceRedactor } from '../../../services/control/service-redactor.ts'
import { createRedactor } from '../../../services/operations/redact.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')
const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
const projectWorkspaceId = randomUUID()
const runtime = (secret: string) => JSON.stringify({ commands: [{ name: 'web', command: 'x', env: { API_KEY: secret, PORT_PIN: 12345678, DEBUG: true } }, { name: 'job', kind: 'job', command: 'y', env: { NPM_TOKEN: 'npm-token-1' } }] })
await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main', runtime_config: runtime('of-the-project') }).execute()
const own = createRedactor({ env: { HOST_TOKEN: 'host-token-1' } })
const text = 'of-the-project of-the-workspace npm-token-1 host-token-1 true'

t.test('the secrets of the config that counts for a service are masked, and those of this process', async t => {
  const ofProject = await serviceRedactor(db, own, { project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: null })
  t.equal(ofProject.mask(text), '*** of-the-workspace *** *** true')
  await db.updateTable('execution_workspaces').set({ config: JSON.stringify({ workspaceRuntime: JSON.parse(runtime('of-the-workspace')) }) }).where('id', '=', workspaceId).execute()
  const ofWorkspace = await serviceRedactor(db, own, { project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: workspaceId })
  t.equal(ofWorkspace.mask(text), 'of-the-project *** *** *** true')
})

t.test('where there is no such config those of this process are', async t => {
  await db.updateTable('project_workspaces').set({ runtime_config: JSON.stringify({ commands: 'none' }) }).where('id', '=', projectWorkspaceId).execute()
  for (const owner of [
    { project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: null },
    { project_id: projectId, project_workspace_id: randomUUID(), execution_workspace_id: null },
    { project_id: null, project_workspace_id: null, execution_workspace_id: null }
  ]) t.equal((await serviceRedactor(db, own, owner)).mask(text), 'of-the-project of-the-workspace npm-token-1 *** true')
})
