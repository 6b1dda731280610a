/** The activity row of a cancelled operation, written with its end. */
import type { Db } from '../../db/client.ts'
import type { Row } from '../../db/tables.ts'
import { recordActivity } from './activity.ts'
import { actorOf, type Canceller } from './cancellation.ts'

/** Writes who cancelled what; pass the transaction of the end. */
export async function recordCancel (trx: Db, row: Row<'workspace_operations'>, by: Canceller): Promise<void> {
  const { id, company_id: companyId, execution_workspace_id: workspaceId, project_workspace_id: projectWorkspaceId, phase } = row
  await recordActivity(trx, {
    companyId,
    actor: actorOf(by, companyId),
    ...await subjectOf(trx, row),
    details: { operationId: id, phase, executionWorkspaceId: workspaceId, projectWorkspaceId }
  })
}

/** What the operation was done to: an execution workspace, else the project of a project workspace. */
async function subjectOf (trx: Db, { id, execution_workspace_id: workspaceId, project_workspace_id: projectWorkspaceId }: Row<'workspace_operations'>) {
  if (workspaceId !== null) return { action: 'execution_workspace.operation_cancelled', entityType: 'execution_workspace', entityId: workspaceId }
  const project = projectWorkspaceId === null
    ? undefined
    : await trx.selectFrom('project_workspaces').select('project_id').where('id', '=', projectWorkspaceId).executeTakeFirst()
  const entity = project === undefined ? { entityType: 'workspace_operation', entityId: id } : { entityType: 'project', entityId: project.project_id }
  return { action: 'project.workspace_operation_cancelled', ...entity }
}
