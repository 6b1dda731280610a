/** Tables of what is executed: workspaces, runtime services, operations, locks, leases, ports. */
import type { Generated } from 'kysely'
import type { OperationPhase, OperationStatus } from '../../openapi/schemas/operation.ts'
import type { ServiceStatus } from '../../openapi/schemas/runtime.ts'
import type { ProviderType, StrategyType, WorkspaceMode, WorkspaceStatus } from '../../openapi/schemas/workspace.ts'
import type { WorkspaceConfig } from '../../openapi/schemas/workspace-config.ts'
import type { BigIntOrNull, BigIntText, JsonObject, JsonOrNull, Stamp } from './columns.ts'

export interface ExecutionWorkspacesTable {
  id: string
  company_id: string
  project_id: string
  project_workspace_id: string | null
  source_issue_id: string | null
  derived_from_execution_workspace_id: string | null
  host_id: string | null
  mode: WorkspaceMode
  strategy_type: StrategyType
  provider_type: ProviderType
  name: string
  status: WorkspaceStatus
  cwd: string | null
  repo_url: string | null
  base_ref: string | null
  base_sha: string | null
  /** Server-owned: the branch that was checked out when `HEAD` was taken for the base; what counts as merged is looked for there. */
  base_branch: string | null
  branch_name: string | null
  provider_ref: string | null
  /** Effective strategy at creation: what realize, restore and archive go by. */
  strategy: JsonOrNull<JsonObject>
  config: JsonOrNull<WorkspaceConfig>
  /** The client's own keys; `config` and `createdByRuntime` are added when shown. */
  metadata: JsonOrNull<JsonObject>
  /** Server-owned: this service made the folder and may remove it. Never taken from a client. */
  created_by_runtime: Generated<boolean>
  /** Server-owned: the folder this service made or took over; the only one it may ever remove. */
  realized_path: string | null
  /** Server-owned: top level of the repository that owns the worktree. */
  repo_root: string | null
  /** Server-owned: this service made the branch and may delete it once merged. */
  branch_created_by_runtime: Generated<boolean>
  /** The request said `reuse: true`; such rows may share a folder. */
  shares_worktree: Generated<boolean>
  /** What was provisioned last, so that it is done again only when that changed. */
  provision_fingerprint: string | null
  /** The last rescue snapshot: ref, commits, file counts. */
  rescue: JsonOrNull<JsonObject>
  /** Size of the files on disk when they were last measured. */
  disk_bytes: BigIntOrNull
  disk_measured_at: Date | null
  version: Generated<number>
  cleanup_eligible_at: Date | null
  cleanup_reason: string | null
  last_used_at: Stamp
  opened_at: Stamp
  closed_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

export interface RuntimeServicesTable {
  id: string
  seq: BigIntText
  company_id: string
  project_id: string | null
  project_workspace_id: string | null
  execution_workspace_id: string | null
  issue_id: string | null
  scope_type: 'project_workspace' | 'execution_workspace' | 'run' | 'agent'
  scope_id: string | null
  service_name: string
  status: ServiceStatus
  lifecycle: 'shared' | 'ephemeral'
  /** Unique among live rows; null for ephemeral services. */
  reuse_key: string | null
  /** Groups the rows of one service over its starts: lists show the newest of each. */
  identity_key: string
  command: string | null
  cwd: string | null
  port: number | null
  url: string | null
  provider: 'local_process' | 'adapter_managed'
  provider_ref: string | null
  owner_agent_id: string | null
  started_by_run_id: string | null
  stop_policy: JsonOrNull<JsonObject>
  health_status: 'unknown' | 'healthy' | 'unhealthy'
  config_index: number | null
  exit_code: number | null
  exit_signal: string | null
  exit_reason: string | null
  /** Restarts by its policy, all together. */
  restart_count: Generated<number>
  /** Those in a row, without a stable time in between: what the backoff and `maxRetries` go by. */
  restart_streak: Generated<number>
  /** Counts the starts of this row, from 1: each has a log of its own. */
  attempt: Generated<number>
  /** When the present attempt became ready. */
  ready_at: Date | null
  next_restart_at: Date | null
  log_ref: string | null
  host_id: string | null
  /** Put into the process's environment, and stored before it starts. */
  spawn_mark: string | null
  /** Clock ticks since boot, from /proc; with the pid it names a process for good. */
  pid_start_time: string | null
  /** The rendered definition it was started from, for restarts and health probes. */
  definition: JsonOrNull<JsonObject>
  last_used_at: Stamp
  started_at: Stamp
  stopped_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

export interface WorkspaceOperationsTable {
  id: string
  seq: BigIntText
  company_id: string
  execution_workspace_id: string | null
  project_workspace_id: string | null
  heartbeat_run_id: string | null
  host_id: string | null
  phase: OperationPhase
  status: OperationStatus
  command: string | null
  cwd: string | null
  exit_code: number | null
  log_store: string | null
  log_ref: string | null
  log_bytes: BigIntOrNull
  log_sha256: string | null
  log_compressed: Generated<boolean>
  stdout_excerpt: string | null
  stderr_excerpt: string | null
  metadata: JsonOrNull<JsonObject>
  spawn_mark: string | null
  process_id: number | null
  pid_start_time: string | null
  /** Somebody wants it ended; the host it runs on sees to that. */
  cancel_requested_at: Date | null
  cancel_requested_by: JsonOrNull<JsonObject>
  /** Why its host can't end it now: the answer to the request. */
  cancel_refusal: string | null
  /** Another host ended it in the record because its own gave no sign of life: processes of it may live there still. */
  orphaned: Generated<boolean>
  started_at: Stamp
  finished_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

export interface WorkspaceLocksTable {
  id: string
  resource: string
  mode: 'shared' | 'exclusive'
  purpose: string
  host_id: string
  operation_id: string | null
  acquired_at: Stamp
}

export interface RunLeasesTable {
  id: string
  company_id: string
  execution_workspace_id: string
  run_id: string
  agent_id: string | null
  issue_id: string | null
  expires_at: Date
  released_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

/** A workspace that has started a shared service and not stopped it; exactly one of the two ids is set. */
export interface RuntimeServiceUsesTable {
  reuse_key: string
  execution_workspace_id: string | null
  project_workspace_id: string | null
  created_at: Stamp
}

/** A folder or worktree in the data dir of a host that no workspace knows. */
export interface StrayFoldersTable {
  host_id: string
  path: string
  first_seen_at: Stamp
}

export interface PortReservationsTable {
  host_id: string
  port: number
  /** Which service of which workspace it is kept for. */
  holder_key: string
  created_at: Stamp
  last_used_at: Stamp
}
