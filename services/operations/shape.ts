/** Turns rows of operations and activity into what the API shows. */
import type { Row } from '../../db/tables.ts'
import type { Activity } from '../../openapi/schemas/directory.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'

const time = (date: Date): string => date.toISOString()

/** The API's operation for a row of `workspace_operations`. */
export function toOperation (row: Row<'workspace_operations'>): WorkspaceOperation {
  return {
    id: row.id,
    companyId: row.company_id,
    executionWorkspaceId: row.execution_workspace_id,
    projectWorkspaceId: row.project_workspace_id,
    heartbeatRunId: row.heartbeat_run_id,
    phase: row.phase,
    command: row.command,
    cwd: row.cwd,
    status: row.status,
    exitCode: row.exit_code,
    logStore: row.log_store,
    logRef: row.log_ref,
    logBytes: row.log_bytes === null ? null : Number(row.log_bytes),
    logSha256: row.log_sha256,
    logCompressed: row.log_compressed,
    stdoutExcerpt: row.stdout_excerpt,
    stderrExcerpt: row.stderr_excerpt,
    metadata: row.metadata,
    queuePosition: null,
    hostId: row.host_id,
    startedAt: time(row.started_at),
    finishedAt: row.finished_at === null ? null : time(row.finished_at),
    createdAt: time(row.created_at),
    updatedAt: time(row.updated_at)
  }
}

/** The API's activity entry for a row of `activity_log`. */
export function toActivity (row: Row<'activity_log'>): Activity {
  return {
    id: row.id,
    companyId: row.company_id,
    actorType: row.actor_type,
    actorId: row.actor_id,
    agentId: row.agent_id,
    runId: row.run_id,
    keyId: row.key_id,
    action: row.action,
    entityType: row.entity_type,
    entityId: row.entity_id,
    details: row.details,
    createdAt: time(row.created_at)
  }
}
