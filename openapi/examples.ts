/** One example for each named schema, on the fixed ids; those of bodies work as they are, in order. */
import { exampleIds as ids } from './example-ids.ts'
import { adapterReport, adapterService, agent, apiKey, apiKeyText, closeAction, createdAt, devServer, issue, lease, linkedIssue, operation, operationEvent, operationState, policy, project, projectWorkspace, projectWorkspaceAnswer, runtimeConfig, runtimeService, stamps, webhook, webhookAttempt, webhookDelivery, webhookMessage, webhookSecret, workspace } from './example-records.ts'

const rescuedFile = { path: 'notes.txt', status: 'untracked', mode: '100644', sizeBytes: 21 }
const holder = { kind: 'lease', id: ids.lease, description: `Run ${ids.run} holds it by a lease.`, since: createdAt, until: lease.expiresAt }
const activityNow = { kind: 'service', id: ids.runtimeService, name: 'web', status: 'running', since: createdAt, description: 'It runs: process 4711, at http://127.0.0.1:20000/.' }
const nextStep = { kind: 'lease_ends', id: ids.lease, at: lease.expiresAt, description: `The lease of run ${ids.run} ends unless it is renewed.` }

const sweepItem = {
  workspaceId: ids.workspace,
  companyId: ids.company,
  name: workspace.name,
  rule: 'cleanup_eligible_at',
  outcome: 'would_archive',
  reason: 'Its cleanupEligibleAt is 2026-01-10T12:00:00.000Z.',
  operationId: null
}

/** By component name. */
export const componentExamples: Record<string, unknown> = {
  CompanyBody: { name: 'Example Company' },
  Company: { id: ids.company, name: 'Example Company', ...stamps },
  ExecutionWorkspacePolicy: policy,
  WorkspaceStrategy: { type: 'git_worktree', baseRef: 'origin/main', branchTemplate: '{{issue.identifier}}-{{slug}}', provisionCommand: 'npm ci' },
  ProjectBody: project,
  Project: { id: ids.project, companyId: ids.company, ...project, ...stamps },
  ProjectWorkspaceBody: projectWorkspace,
  ProjectWorkspace: projectWorkspaceAnswer,
  AgentBody: agent,
  Agent: { id: ids.agent, companyId: ids.company, ...agent, reportsTo: null, status: 'active', ...stamps },
  IssueBody: issue,
  Issue: { id: ids.issue, companyId: ids.company, ...issue, executionWorkspaceId: ids.workspace, executionWorkspaceSettings: null, hiddenAt: null, ...stamps },
  IssueWorkspaceSettings: { mode: 'isolated_workspace' },
  Activity: {
    id: ids.activity,
    companyId: ids.company,
    actorType: 'board',
    actorId: 'local',
    agentId: null,
    runId: null,
    keyId: null,
    action: 'execution_workspace.created',
    entityType: 'execution_workspace',
    entityId: ids.workspace,
    details: { mode: 'shared_workspace' },
    createdAt
  },
  OperationState: operationState,
  CompanyEvent: operationEvent,
  Webhook: webhook,
  WebhookWithSecret: { ...webhook, secret: webhookSecret },
  CreateWebhookBody: { url: webhook.url, types: webhook.types },
  UpdateWebhookBody: { description: 'For the board' },
  WebhookAttempt: webhookAttempt,
  WebhookDelivery: webhookDelivery,
  WebhookDeliveryDetail: { ...webhookDelivery, attempts: [webhookAttempt], payload: JSON.stringify(webhookMessage) },
  WebhookMessage: webhookMessage,
  ApiKey: apiKey,
  ApiKeyWithSecret: { ...apiKey, lastUsedAt: null, key: apiKeyText },
  CreateApiKeyBody: { name: apiKey.name, actorType: apiKey.actorType, agentId: apiKey.agentId },
  WorkspaceConfig: { provisionCommand: null, teardownCommand: null, cleanupCommand: null, workspaceRuntime: runtimeConfig, desiredState: 'running', serviceStates: { 0: 'running' } },
  WorkspaceConfigPatch: { provisionCommand: 'npm ci' },
  CreateExecutionWorkspaceBody: { projectId: ids.project, sourceIssueId: ids.issue, mode: 'shared_workspace', name: 'Friendlier greeting' },
  UpdateExecutionWorkspaceBody: { name: 'Much friendlier greeting', status: 'in_review' },
  ExecutionWorkspace: workspace,
  WorkspaceSummary: { id: ids.workspace, name: workspace.name, mode: workspace.mode, projectWorkspaceId: ids.projectWorkspace },
  CommandDefinition: {
    id: 'service:web',
    name: 'web',
    kind: 'service',
    command: devServer,
    cwd: null,
    lifecycle: 'shared',
    serviceIndex: 0,
    disabledReason: null,
    rawConfig: runtimeConfig.commands[0],
    source: { type: 'project_workspace', key: 'commands', index: 0 }
  },
  RuntimeControlBody: { workspaceCommandId: 'service:web' },
  RuntimeService: runtimeService,
  RuntimeServiceLog: { runtimeServiceId: ids.runtimeService, attempt: 1, store: 'local_file', logRef: runtimeService.logRef, content: '/\n/favicon.ico\n', offset: 0, nextOffset: 15 },
  WorkspaceOperation: operation,
  WorkspaceOperationAnswer: { workspace, operation },
  ProjectWorkspaceOperationAnswer: { workspace: projectWorkspaceAnswer, operation },
  OperationLog: {
    operationId: ids.operation,
    store: 'local_file',
    logRef: operation.logRef,
    content: `{"ts":"${createdAt}","stream":"system","chunk":"web is ready\\n"}\n`,
    nextOffset: null
  },
  RunLease: lease,
  AcquireLeaseBody: { runId: ids.run, agentId: ids.agent, issueId: ids.issue, ttlSec: 60 },
  RenewLeaseBody: { runId: ids.run, ttlSec: 60 },
  LeaseAnswer: { ...lease, runtimeServices: [runtimeService], operation },
  LeaseRelease: { leases: [{ ...lease, releasedAt: createdAt }], stoppedServices: [{ ...runtimeService, status: 'stopped', stoppedAt: createdAt, exitReason: 'It stops with the last run, and the lease of this run has ended.' }], operations: [operation] },
  AdapterStopPolicy: { type: 'on_run_finish' },
  AdapterServiceReport: adapterReport,
  AdapterServicesBody: { adapterType: 'my_sandbox', runId: ids.run, reports: [adapterReport] },
  AdapterServicesAnswer: { runtimeServices: [adapterService] },
  LinkedIssue: linkedIssue,
  CloseAction: closeAction,
  RescuedFile: rescuedFile,
  WorkspaceRescue: {
    workspaceId: ids.workspace,
    ref: `refs/berth/rescue/${ids.workspace}`,
    commit: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
    repoRoot: '/srv/greeter',
    headSha: 'decade00decade00decade00decade00decade00',
    branch: 'acme-7-friendlier-greeting',
    takenAt: createdAt,
    movedTo: null,
    earlierRefs: [],
    warnings: [],
    fileCount: 1,
    files: [rescuedFile]
  },
  WorkspaceHolder: holder,
  WorkspaceActivityNow: activityNow,
  WorkspaceNextStep: nextStep,
  WorkspaceExplanation: {
    workspaceId: ids.workspace,
    status: 'active',
    summary: `It is active since ${createdAt}: 1 run holds it, and web runs in it. It was last used at ${createdAt}. No rule archives it by itself.`,
    heldBy: [holder],
    running: [activityNow],
    next: [nextStep],
    closing: { state: 'blocked', blockingReasons: [`Run ${ids.run} holds this workspace.`], deletes: ['The processes of web.'], keeps: ['Its record, its operations and their logs.'] }
  },
  SweepItem: sweepItem,
  SweepReport: { dryRun: true, startedAt: createdAt, finishedAt: createdAt, diskBytes: 48_234_496, items: [sweepItem] },
  CloseReadiness: {
    workspaceId: ids.workspace,
    state: 'ready_with_warnings',
    blockingReasons: [],
    warnings: ['1 linked issue is not done; the workspace will be detached from it.'],
    linkedIssues: [linkedIssue],
    plannedActions: [closeAction],
    isDestructiveCloseAllowed: true,
    diskBytes: 48_234_496,
    diskMeasuredAt: '2026-01-05T09:40:00.000Z',
    isSharedWorkspace: true,
    isProjectPrimaryWorkspace: true,
    git: null,
    runtimeServices: []
  },
  InvalidPlace: { pointer: '/name', message: 'is missing' }
}
