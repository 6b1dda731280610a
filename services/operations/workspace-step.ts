/** What to record one step in an execution workspace as. */
import type { JsonObject, Row } from '../../db/tables.ts'
import type { OperationPhase } from '../../openapi/schemas/operation.ts'
import type { OperationInput } from './recorder.ts'

export interface WorkspaceStep {
  phase: OperationPhase
  command?: string | null
  cwd?: string | null
  metadata?: JsonObject
}

/** The input of an operation on this workspace, for the run that asked for it if one did; its metadata names the workspace. */
export function workspaceStep (row: Pick<Row<'execution_workspaces'>, 'id' | 'company_id' | 'project_workspace_id'>, runId: string | null, step: WorkspaceStep): OperationInput {
  return {
    companyId: row.company_id,
    executionWorkspaceId: row.id,
    projectWorkspaceId: row.project_workspace_id,
    heartbeatRunId: runId,
    phase: step.phase,
    command: step.command ?? null,
    cwd: step.cwd ?? null,
    metadata: { executionWorkspaceId: row.id, ...step.metadata }
  }
}
