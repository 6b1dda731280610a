/** What closing a workspace is decided by: gathered once, then only read. */
import type { GitReadiness, LinkedIssue } from '../../openapi/schemas/readiness.ts'
import type { OperationStatus } from '../../openapi/schemas/operation.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'

/** What will become of the files. */
export type Removal =
  /** The worktree is removed; git knows it still. */
  | { kind: 'worktree', path: string }
  /** A plain folder of this service is stored and removed. */
  | { kind: 'folder', path: string }
  /** The folder is gone already; only git's record of it (if any) is cleared. */
  | { kind: 'gone', path: string }
  /** Left where it is, and that is right. */
  | { kind: 'keep', path: string, reason: string }
  /** Should go, but is not safe to remove: archiving ends as `cleanup_failed`. */
  | { kind: 'refuse', path: string, reason: string }
  | { kind: 'none' }

/** A command that runs while a workspace is archived. */
export interface CloseCommand {
  kind: 'cleanup_command' | 'teardown_command'
  /** Whose command it is, for labels and metadata. */
  source: 'execution_workspace' | 'project_workspace' | 'strategy'
  command: string
}

/** The columns that closing is decided by. */
export type ClosableRow = Pick<WorkspaceRow,
  'id' | 'mode' | 'status' | 'provider_type' | 'branch_name' | 'base_ref' | 'realized_path' | 'created_by_runtime' | 'branch_created_by_runtime'>

/** An operation of the workspace that has not ended. */
export interface UnfinishedWork {
  id: string
  /** What it is called, else its command. */
  name: string
  status: OperationStatus
}

export interface CloseFacts {
  row: ClosableRow
  isProjectPrimaryWorkspace: boolean
  linkedIssues: LinkedIssue[]
  /** Operations that have not ended: jobs, which keep the workspace, and what else is under way. */
  jobs: UnfinishedWork[]
  underWay: UnfinishedWork[]
  /** Size of the files when it was measured last. */
  disk: { bytes: number, measuredAt: Date } | null
  /** Runs that hold the workspace by a live lease. */
  leaseRunIds: string[]
  /** Current services as the workspace shows them. */
  services: RuntimeService[]
  /** Those of them that archiving stops. */
  stopping: RuntimeService[]
  /** Those of them that go on, because other workspaces use them too. */
  handedOver: RuntimeService[]
  git: GitReadiness | null
  /** How many of git's ignored entries the snapshot takes along. */
  keptIgnoredCount: number
  /** What could not be inspected, each a sentence. */
  problems: string[]
  removal: Removal
  /** In the order they run. */
  commands: CloseCommand[]
}
