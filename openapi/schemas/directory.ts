/** The directory: the few facts of the orchestrator that this service decides by. */
import { Type, type Static } from '@sinclair/typebox'
import { Name, NullableCommand, NullablePath, NullableTimestamp, NullableUuid, Timestamp, Uuid, closed, maxCommandLength, nullableEnum, nullableOpenObject, nullableRef, nullableString, stringEnum } from './kit.ts'
import { ServiceStates, desiredStates } from './workspace-config.ts'

export const issueStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'blocked', 'done', 'cancelled'] as const
export const terminalIssueStatuses = ['done', 'cancelled'] as const
export const policyModes = ['shared_workspace', 'isolated_workspace', 'operator_branch', 'adapter_default', 'project_primary', 'isolated'] as const
export const issueModes = ['shared_workspace', 'isolated_workspace', 'operator_branch', 'adapter_managed', 'cloud_sandbox', 'adapter_default', 'inherit', 'reuse_existing', 'agent_default', 'project_primary', 'isolated'] as const
export const provisionPolicies = ['on_change', 'always', 'once'] as const

const gitRef = nullableString({ minLength: 1, maxLength: 300 })
const globs = Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: 100 })

export const WorkspaceStrategy = Type.Object({
  type: Type.Optional(stringEnum(['project_primary', 'git_worktree', 'adapter_managed', 'cloud_sandbox'])),
  baseRef: Type.Optional(gitRef),
  branchTemplate: Type.Optional(nullableString({ minLength: 1, maxLength: 500 })),
  worktreeParentDir: Type.Optional(NullablePath),
  provisionCommand: Type.Optional(NullableCommand),
  teardownCommand: Type.Optional(NullableCommand),
  provisionPolicy: Type.Optional(stringEnum(provisionPolicies)),
  provisionInputs: Type.Optional(globs),
  copyFiles: Type.Optional(globs),
  rescueIgnored: Type.Optional(globs)
}, { $id: 'WorkspaceStrategy', description: 'How the files of a workspace are made.', ...closed })

export const ExecutionWorkspacePolicy = Type.Object({
  enabled: Type.Optional(Type.Boolean()),
  defaultMode: Type.Optional(stringEnum(policyModes)),
  allowIssueOverride: Type.Optional(Type.Boolean()),
  defaultProjectWorkspaceId: Type.Optional(NullableUuid),
  workspaceStrategy: Type.Optional(nullableRef(WorkspaceStrategy)),
  workspaceRuntime: Type.Optional(nullableOpenObject()),
  branchPolicy: Type.Optional(nullableOpenObject()),
  pullRequestPolicy: Type.Optional(nullableOpenObject()),
  runtimePolicy: Type.Optional(nullableOpenObject()),
  cleanupPolicy: Type.Optional(nullableOpenObject())
}, { $id: 'ExecutionWorkspacePolicy', ...closed })

export const IssueWorkspaceSettings = Type.Object({
  mode: Type.Optional(nullableEnum(issueModes)),
  workspaceStrategy: Type.Optional(nullableRef(WorkspaceStrategy)),
  workspaceRuntime: Type.Optional(nullableOpenObject())
}, { $id: 'IssueWorkspaceSettings', ...closed })

const stamps = { createdAt: Timestamp, updatedAt: Timestamp }

// companies
const companyFields = { name: Name }
export const Company = Type.Object({ id: Uuid, ...companyFields, ...stamps }, { $id: 'Company' })
export const CompanyBody = Type.Object(companyFields, { $id: 'CompanyBody', ...closed })

// projects
export const Project = Type.Object({
  id: Uuid,
  companyId: Uuid,
  name: Name,
  executionWorkspacePolicy: nullableRef(ExecutionWorkspacePolicy),
  ...stamps
}, { $id: 'Project' })
export const ProjectBody = Type.Object({
  name: Name,
  executionWorkspacePolicy: Type.Optional(nullableRef(ExecutionWorkspacePolicy))
}, { $id: 'ProjectBody', ...closed })

// project workspaces
export const ProjectWorkspace = Type.Object({
  id: Uuid,
  companyId: Uuid,
  projectId: Uuid,
  name: Name,
  cwd: nullableString(),
  repoUrl: nullableString(),
  repoRef: nullableString(),
  defaultRef: nullableString(),
  isPrimary: Type.Boolean(),
  cleanupCommand: nullableString(),
  runtimeConfig: nullableOpenObject(),
  metadata: nullableOpenObject(),
  desiredState: nullableEnum(desiredStates),
  serviceStates: ServiceStates,
  ...stamps
}, { $id: 'ProjectWorkspace' })
export const ProjectWorkspaceBody = Type.Object({
  name: Name,
  cwd: Type.Optional(NullablePath),
  repoUrl: Type.Optional(nullableString({ minLength: 1, maxLength: 2000 })),
  repoRef: Type.Optional(gitRef),
  defaultRef: Type.Optional(gitRef),
  isPrimary: Type.Optional(Type.Boolean({ description: 'One per project; setting it takes it from the one that had it. The first of a project is primary.' })),
  cleanupCommand: Type.Optional(nullableString({ minLength: 1, maxLength: maxCommandLength })),
  runtimeConfig: Type.Optional(nullableOpenObject()),
  metadata: Type.Optional(nullableOpenObject())
}, { $id: 'ProjectWorkspaceBody', ...closed })

// agents
export const Agent = Type.Object({
  id: Uuid,
  companyId: Uuid,
  name: Name,
  role: Type.String(),
  reportsTo: NullableUuid,
  status: Type.String(),
  ...stamps
}, { $id: 'Agent' })
export const AgentBody = Type.Object({
  name: Name,
  role: Type.Optional(Type.String({ minLength: 1, maxLength: 100, default: 'general', description: '`ceo` may manage every runtime of its company.' })),
  reportsTo: Type.Optional(NullableUuid),
  status: Type.Optional(Type.String({ minLength: 1, maxLength: 50, default: 'active', description: '`terminated` takes every right away.' }))
}, { $id: 'AgentBody', ...closed })

// issues
export const Issue = Type.Object({
  id: Uuid,
  companyId: Uuid,
  identifier: nullableString(),
  title: Type.String(),
  status: stringEnum(issueStatuses),
  projectId: NullableUuid,
  projectWorkspaceId: NullableUuid,
  assigneeAgentId: NullableUuid,
  executionWorkspaceId: NullableUuid,
  executionWorkspaceSettings: nullableRef(IssueWorkspaceSettings),
  hiddenAt: NullableTimestamp,
  ...stamps
}, { $id: 'Issue' })
export const IssueBody = Type.Object({
  identifier: Type.Optional(nullableString({ minLength: 1, maxLength: 100 })),
  title: Type.String({ minLength: 1, maxLength: 500 }),
  status: Type.Optional(stringEnum(issueStatuses, { default: 'todo' })),
  projectId: Type.Optional(NullableUuid),
  projectWorkspaceId: Type.Optional(NullableUuid),
  assigneeAgentId: Type.Optional(NullableUuid),
  executionWorkspaceId: Type.Optional(NullableUuid),
  executionWorkspaceSettings: Type.Optional(nullableRef(IssueWorkspaceSettings)),
  hiddenAt: Type.Optional(NullableTimestamp)
}, { $id: 'IssueBody', ...closed })

// activity
export const actorTypes = ['board', 'agent', 'system'] as const
export const Activity = Type.Object({
  id: Uuid,
  companyId: Uuid,
  actorType: stringEnum(actorTypes),
  actorId: nullableString(),
  agentId: NullableUuid,
  runId: NullableUuid,
  keyId: { ...NullableUuid, description: 'The API key that was shown, if it was one.' },
  action: Type.String(),
  entityType: Type.String(),
  entityId: Type.String(),
  details: nullableOpenObject(),
  createdAt: Timestamp
}, {
  $id: 'Activity',
  description: 'Who did what to which thing.',
  examples: [{
    id: 'c0ffee00-1111-4222-8333-444455556666',
    companyId: '3f2a9d4e-1c7b-4b8e-8f5a-2d9c6e7f1a01',
    actorType: 'board',
    actorId: 'local',
    agentId: null,
    runId: null,
    keyId: null,
    action: 'execution_workspace.updated',
    entityType: 'execution_workspace',
    entityId: '9e8d7c6b-5a49-4837-a625-141302f1e0d9',
    details: { changed: ['name'] },
    createdAt: '2026-01-05T10:00:00.000Z'
  }]
})

export type WorkspaceStrategy = Static<typeof WorkspaceStrategy>
export type ExecutionWorkspacePolicy = Static<typeof ExecutionWorkspacePolicy>
export type IssueWorkspaceSettings = Static<typeof IssueWorkspaceSettings>
export type Company = Static<typeof Company>
export type CompanyBody = Static<typeof CompanyBody>
export type Project = Static<typeof Project>
export type ProjectBody = Static<typeof ProjectBody>
export type ProjectWorkspace = Static<typeof ProjectWorkspace>
export type ProjectWorkspaceBody = Static<typeof ProjectWorkspaceBody>
export type Agent = Static<typeof Agent>
export type AgentBody = Static<typeof AgentBody>
export type Issue = Static<typeof Issue>
export type IssueBody = Static<typeof IssueBody>
export type Activity = Static<typeof Activity>
export type IssueStatus = typeof issueStatuses[number]
