import t from 'tap'
import { workspaceStep } from '../../../services/operations/workspace-step.ts'

const row = { id: 'a', company_id: 'b', project_workspace_id: null }

t.test('a step belongs to its workspace and to the run that asked for it', async t => {
  t.same(workspaceStep(row, 'run', { phase: 'workspace_provision', command: 'true', metadata: { action: 'create' } }), {
    companyId: 'b',
    executionWorkspaceId: 'a',
    projectWorkspaceId: null,
    heartbeatRunId: 'run',
    phase: 'workspace_provision',
    command: 'true',
    cwd: null,
    metadata: { executionWorkspaceId: 'a', action: 'create' }
  })
})
