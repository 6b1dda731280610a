/** Rows of runtime services as the API shows them. */
import type { Row } from '../../db/tables.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'

export function toRuntimeService (row: Row<'runtime_services'>): RuntimeService {
  return {
    id: row.id,
    companyId: row.company_id,
    projectId: row.project_id,
    projectWorkspaceId: row.project_workspace_id,
    executionWorkspaceId: row.execution_workspace_id,
    issueId: row.issue_id,
    scopeType: row.scope_type,
    scopeId: row.scope_id,
    serviceName: row.service_name,
    status: row.status,
    lifecycle: row.lifecycle,
    reuseKey: row.reuse_key,
    command: row.command,
    cwd: row.cwd,
    port: row.port,
    url: row.url,
    provider: row.provider,
    providerRef: row.provider_ref,
    ownerAgentId: row.owner_agent_id,
    startedByRunId: row.started_by_run_id,
    lastUsedAt: row.last_used_at.toISOString(),
    startedAt: row.started_at.toISOString(),
    stoppedAt: row.stopped_at?.toISOString() ?? null,
    stopPolicy: row.stop_policy,
    healthStatus: row.health_status,
    configIndex: row.config_index,
    exitCode: row.exit_code,
    exitSignal: row.exit_signal,
    exitReason: row.exit_reason,
    restartCount: row.restart_count,
    attempt: row.attempt,
    nextRestartAt: row.next_restart_at?.toISOString() ?? null,
    logRef: row.log_ref,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}
