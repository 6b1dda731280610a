/** Rows of execution workspaces as the API shows them. */
import type { Row } from '../../db/tables.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { ExecutionWorkspace, WorkspaceSummary } from '../../openapi/schemas/workspace.ts'
import type { WorkspaceConfig } from '../../openapi/schemas/workspace-config.ts'
import { normalizeConfig, shownMetadata } from './config.ts'

export type WorkspaceRow = Row<'execution_workspaces'>

/** The config of a row with every key present, or null when nothing is set. */
export function rowConfig (row: Pick<WorkspaceRow, 'config'>): WorkspaceConfig | null {
  return normalizeConfig(row.config)
}

/** A workspace as GET answers it. `services` are its current runtime services, newest row of each identity. */
export function toWorkspace (row: WorkspaceRow, services: RuntimeService[]): ExecutionWorkspace {
  const config = rowConfig(row)
  return {
    id: row.id,
    companyId: row.company_id,
    projectId: row.project_id,
    projectWorkspaceId: row.project_workspace_id,
    sourceIssueId: row.source_issue_id,
    mode: row.mode,
    strategyType: row.strategy_type,
    name: row.name,
    status: row.status,
    cwd: row.cwd,
    repoUrl: row.repo_url,
    baseRef: row.base_ref,
    branchName: row.branch_name,
    providerType: row.provider_type,
    providerRef: row.provider_ref,
    derivedFromExecutionWorkspaceId: row.derived_from_execution_workspace_id,
    lastUsedAt: row.last_used_at.toISOString(),
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    cleanupEligibleAt: row.cleanup_eligible_at?.toISOString() ?? null,
    cleanupReason: row.cleanup_reason,
    config,
    metadata: shownMetadata(row.metadata, config, row.created_by_runtime),
    runtimeServices: services,
    hostId: row.host_id,
    baseSha: row.base_sha,
    diskBytes: row.disk_bytes === null ? null : Number(row.disk_bytes),
    diskMeasuredAt: row.disk_measured_at?.toISOString() ?? null,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}

/** The four fields of the list's `summary=true`. */
export function toSummary (row: Pick<WorkspaceRow, 'id' | 'name' | 'mode' | 'project_workspace_id'>): WorkspaceSummary {
  return { id: row.id, name: row.name, mode: row.mode, projectWorkspaceId: row.project_workspace_id }
}

/**
 * Whose services a workspace shows: a shared one without a runtime config of its own
 * shows those of its project workspace.
 */
export function servicesOwner (row: Pick<WorkspaceRow, 'id' | 'mode' | 'config' | 'project_workspace_id'>): { kind: 'execution' | 'project', id: string } {
  const borrows = row.mode === 'shared_workspace' && row.project_workspace_id !== null && !row.config?.workspaceRuntime
  return borrows && row.project_workspace_id !== null
    ? { kind: 'project', id: row.project_workspace_id }
    : { kind: 'execution', id: row.id }
}
