/** Execution workspaces: the places where pieces of work happen. */
import { Type, type Static } from '@sinclair/typebox'
import { Cursor, Limit, Name, NullablePath, NullableTimestamp, NullableUuid, Timestamp, Uuid, closed, maxNameLength, nullableInteger, nullableOpenObject, nullableRef, nullableString, ref, stringEnum } from './kit.ts'
import { ProjectWorkspace, WorkspaceStrategy } from './directory.ts'
import { WorkspaceOperation } from './operation.ts'
import { RuntimeService } from './runtime.ts'
import { WorkspaceConfig, WorkspaceConfigPatch } from './workspace-config.ts'

export const workspaceModes = ['shared_workspace', 'isolated_workspace', 'operator_branch', 'adapter_managed', 'cloud_sandbox'] as const
export const strategyTypes = ['project_primary', 'git_worktree', 'adapter_managed', 'cloud_sandbox'] as const
export const providerTypes = ['local_fs', 'git_worktree', 'adapter_managed', 'cloud_sandbox'] as const
/** Statuses a client may set; `archived` archives, leaving it restores. */
export const settableStatuses = ['active', 'idle', 'in_review', 'archived'] as const
export const workspaceStatuses = ['active', 'idle', 'in_review', 'archived', 'cleanup_failed', 'provisioning', 'provision_failed', 'archiving'] as const
export const reusableStatuses = ['active', 'idle', 'in_review'] as const

export const ExecutionWorkspace = Type.Object({
  id: Uuid,
  companyId: Uuid,
  projectId: Uuid,
  projectWorkspaceId: NullableUuid,
  sourceIssueId: NullableUuid,
  mode: stringEnum(workspaceModes),
  strategyType: stringEnum(strategyTypes),
  name: Type.String(),
  status: stringEnum(workspaceStatuses),
  cwd: nullableString(),
  repoUrl: nullableString(),
  baseRef: nullableString(),
  branchName: nullableString(),
  providerType: stringEnum(providerTypes),
  providerRef: nullableString({ description: 'The path of the worktree for `git_worktree`.' }),
  derivedFromExecutionWorkspaceId: NullableUuid,
  lastUsedAt: Timestamp,
  openedAt: Timestamp,
  closedAt: NullableTimestamp,
  cleanupEligibleAt: NullableTimestamp,
  cleanupReason: nullableString(),
  config: nullableRef(WorkspaceConfig),
  metadata: nullableOpenObject({ description: "The client's own keys, the config, and `createdByRuntime`, which only the service sets." }),
  runtimeServices: Type.Array(ref(RuntimeService)),
  hostId: NullableUuid,
  baseSha: nullableString({ description: 'The commit the branch was made from.' }),
  diskBytes: nullableInteger({ description: 'Room the files take on the disk of their host, measured now and then; null until it was.' }),
  diskMeasuredAt: NullableTimestamp,
  version: Type.Integer({ description: 'Counts the changes; the `ETag` is made from it.' }),
  createdAt: Timestamp,
  updatedAt: Timestamp
}, { $id: 'ExecutionWorkspace', description: 'A place where a piece of work happens.' })

export const WorkspaceSummary = Type.Object({
  id: Uuid,
  name: Type.String(),
  mode: stringEnum(workspaceModes),
  projectWorkspaceId: NullableUuid
}, { $id: 'WorkspaceSummary' })

export const ListWorkspacesQuery = Type.Object({
  projectId: Type.Optional(Uuid),
  projectWorkspaceId: Type.Optional(Uuid),
  issueId: Type.Optional(Uuid),
  status: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'One or more statuses, separated by commas.' })),
  reuseEligible: Type.Optional(Type.Boolean({ description: 'Only `active`, `idle` and `in_review`.' })),
  summary: Type.Optional(Type.Boolean({ description: 'Only id, name, mode and projectWorkspaceId.' })),
  hostId: Type.Optional(Uuid),
  branchName: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  q: Type.Optional(Type.String({ minLength: 1, maxLength: maxNameLength, description: 'Part of the name or of the branch.' })),
  limit: Limit,
  cursor: Cursor
}, closed)

export const CreateWorkspaceBody = Type.Object({
  projectId: Uuid,
  projectWorkspaceId: Type.Optional(NullableUuid),
  sourceIssueId: Type.Optional(NullableUuid),
  mode: Type.Optional(stringEnum(workspaceModes)),
  workspaceStrategy: Type.Optional(nullableRef(WorkspaceStrategy)),
  name: Type.Optional(Name),
  config: Type.Optional(nullableRef(WorkspaceConfigPatch)),
  metadata: Type.Optional(nullableOpenObject()),
  reuse: Type.Optional(Type.Boolean({ description: 'Share a worktree that another live workspace already uses.' })),
  createMissingBranch: Type.Optional(Type.Boolean({ description: 'Make a branch that was recorded and is gone anew from the base.' }))
}, { $id: 'CreateExecutionWorkspaceBody', ...closed })

export const UpdateWorkspaceBody = Type.Object({
  name: Type.Optional(Name),
  cwd: Type.Optional(NullablePath),
  repoUrl: Type.Optional(nullableString({ minLength: 1, maxLength: 2000 })),
  baseRef: Type.Optional(nullableString({ minLength: 1, maxLength: 300 })),
  branchName: Type.Optional(nullableString({ minLength: 1, maxLength: 300 })),
  providerRef: Type.Optional(NullablePath),
  status: Type.Optional(stringEnum(workspaceStatuses)),
  cleanupEligibleAt: Type.Optional(NullableTimestamp),
  cleanupReason: Type.Optional(nullableString({ maxLength: 2000 })),
  config: Type.Optional(nullableRef(WorkspaceConfigPatch)),
  metadata: Type.Optional(nullableOpenObject())
}, { $id: 'UpdateExecutionWorkspaceBody', minProperties: 1, ...closed })

/** The answer of every action that is one operation on a workspace. */
export const WorkspaceOperationAnswer = Type.Object({
  workspace: ref(ExecutionWorkspace),
  operation: ref(WorkspaceOperation)
}, { $id: 'WorkspaceOperationAnswer' })

/** The same for an action on a project workspace. */
export const ProjectWorkspaceOperationAnswer = Type.Object({
  workspace: ref(ProjectWorkspace),
  operation: ref(WorkspaceOperation)
}, { $id: 'ProjectWorkspaceOperationAnswer' })

export type ExecutionWorkspace = Static<typeof ExecutionWorkspace>
export type WorkspaceOperationAnswer = Static<typeof WorkspaceOperationAnswer>
export type ProjectWorkspaceOperationAnswer = Static<typeof ProjectWorkspaceOperationAnswer>
export type WorkspaceSummary = Static<typeof WorkspaceSummary>
export type ListWorkspacesQuery = Static<typeof ListWorkspacesQuery>
export type CreateWorkspaceBody = Static<typeof CreateWorkspaceBody>
export type UpdateWorkspaceBody = Static<typeof UpdateWorkspaceBody>
export type WorkspaceStatus = typeof workspaceStatuses[number]
export type WorkspaceMode = typeof workspaceModes[number]
export type StrategyType = typeof strategyTypes[number]
export type ProviderType = typeof providerTypes[number]
