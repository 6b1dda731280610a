/** One example for each named schema, on the fixed ids; those of bodies work as they are, in order. */
import { exampleIds as ids } from './example-ids.ts'

const createdAt = '2026-01-31T12:00:00.000Z'
const stamps = { createdAt, updatedAt: createdAt }

// A program every machine with this service has. A real one would be `npm run dev`.
const devServer = 'node -e "require(\'http\').createServer((req, res) => { console.log(req.url); res.end(\'hello\') }).listen(process.env.PORT, \'127.0.0.1\')"'

const runtimeConfig = {
  commands: [
    {
      name: 'web',
      kind: 'service',
      command: devServer,
      port: { type: 'auto' },
      readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/' }
    },
    { name: 'check', kind: 'job', command: 'echo "all is well in $PWD"', timeoutSec: 60 }
  ]
}

const policy = { enabled: true, defaultMode: 'shared_workspace' }

const project = { name: 'Greeter', executionWorkspacePolicy: policy }

const projectWorkspace = {
  name: 'Main checkout',
  // Any folder of the machine will do to try things out; for isolated workspaces it is a git checkout.
  cwd: '/tmp',
  isPrimary: true,
  runtimeConfig
}

const agent = { name: 'Ada', role: 'engineer' }

const issue = {
  identifier: 'DEMO-1',
  title: 'Make the greeting friendlier',
  status: 'in_progress',
  projectId: ids.project,
  projectWorkspaceId: ids.projectWorkspace,
  assigneeAgentId: ids.agent
}

const runtimeService = {
  id: ids.runtimeService,
  companyId: ids.company,
  projectId: ids.project,
  projectWorkspaceId: ids.projectWorkspace,
  executionWorkspaceId: ids.workspace,
  issueId: ids.issue,
  scopeType: 'project_workspace',
  scopeId: ids.projectWorkspace,
  serviceName: 'web',
  status: 'running',
  lifecycle: 'shared',
  reuseKey: 'project_workspace:33333333:web',
  command: devServer,
  cwd: '/tmp',
  port: 20000,
  url: 'http://127.0.0.1:20000/',
  provider: 'local_process',
  providerRef: '4711',
  ownerAgentId: null,
  startedByRunId: null,
  lastUsedAt: createdAt,
  startedAt: createdAt,
  stoppedAt: null,
  stopPolicy: null,
  healthStatus: 'healthy',
  configIndex: 0,
  exitCode: null,
  exitSignal: null,
  exitReason: null,
  restartCount: 0,
  attempt: 1,
  nextRestartAt: null,
  logRef: `services/${ids.runtimeService}.1.log`,
  ...stamps
}

const workspace = {
  id: ids.workspace,
  companyId: ids.company,
  projectId: ids.project,
  projectWorkspaceId: ids.projectWorkspace,
  sourceIssueId: ids.issue,
  mode: 'shared_workspace',
  strategyType: 'project_primary',
  name: 'Friendlier greeting',
  status: 'active',
  cwd: '/tmp',
  repoUrl: null,
  baseRef: null,
  branchName: null,
  providerType: 'local_fs',
  providerRef: null,
  derivedFromExecutionWorkspaceId: null,
  lastUsedAt: createdAt,
  openedAt: createdAt,
  closedAt: null,
  cleanupEligibleAt: null,
  cleanupReason: null,
  config: null,
  metadata: { createdByRuntime: false },
  runtimeServices: [runtimeService],
  hostId: ids.host,
  baseSha: null,
  version: 1,
  ...stamps
}

const operation = {
  id: ids.operation,
  companyId: ids.company,
  executionWorkspaceId: ids.workspace,
  projectWorkspaceId: ids.projectWorkspace,
  heartbeatRunId: null,
  phase: 'workspace_provision',
  command: devServer,
  cwd: '/tmp',
  status: 'succeeded',
  exitCode: null,
  logStore: 'local_file',
  logRef: 'operations/77777777-7777-4777-8777-777777777777.ndjson',
  logBytes: 96,
  logSha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  logCompressed: false,
  stdoutExcerpt: null,
  stderrExcerpt: null,
  metadata: { action: 'start', executionWorkspaceId: ids.workspace, workspaceCommandId: 'service:web', workspaceCommandKind: 'service', workspaceCommandName: 'web', runtimeServiceId: ids.runtimeService, serviceIndex: 0, runtimeServiceCount: 1 },
  startedAt: createdAt,
  finishedAt: createdAt,
  ...stamps
}

const lease = {
  id: ids.lease,
  companyId: ids.company,
  executionWorkspaceId: ids.workspace,
  runId: ids.run,
  agentId: ids.agent,
  issueId: ids.issue,
  expiresAt: createdAt,
  releasedAt: null,
  ...stamps
}

const adapterReport = { id: 'sandbox-17/preview', serviceName: 'preview', url: 'https://preview.example.com/', healthStatus: 'healthy' }

const adapterService = {
  ...runtimeService,
  id: ids.adapterService,
  scopeType: 'execution_workspace',
  scopeId: ids.workspace,
  serviceName: adapterReport.serviceName,
  reuseKey: null,
  command: null,
  port: null,
  url: adapterReport.url,
  provider: 'adapter_managed',
  providerRef: null,
  startedByRunId: ids.run,
  configIndex: null,
  logRef: null
}

const projectWorkspaceAnswer = {
  id: ids.projectWorkspace,
  companyId: ids.company,
  projectId: ids.project,
  ...projectWorkspace,
  repoUrl: null,
  repoRef: null,
  defaultRef: null,
  cleanupCommand: null,
  metadata: null,
  desiredState: null,
  serviceStates: null,
  ...stamps
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
    action: 'execution_workspace.created',
    entityType: 'execution_workspace',
    entityId: ids.workspace,
    details: { mode: 'shared_workspace' },
    createdAt
  },
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
  LinkedIssue: { id: ids.issue, identifier: issue.identifier, title: issue.title, status: issue.status, isTerminal: false },
  CloseAction: { kind: 'archive_record', label: 'Archive the workspace', description: 'The workspace is marked as archived.', command: null },
  CloseReadiness: {
    workspaceId: ids.workspace,
    state: 'ready_with_warnings',
    blockingReasons: [],
    warnings: ['1 linked issue is not done; the workspace will be detached from it.'],
    linkedIssues: [{ id: ids.issue, identifier: issue.identifier, title: issue.title, status: issue.status, isTerminal: false }],
    plannedActions: [{ kind: 'archive_record', label: 'Archive the workspace', description: 'The workspace is marked as archived.', command: null }],
    isDestructiveCloseAllowed: true,
    isSharedWorkspace: true,
    isProjectPrimaryWorkspace: true,
    git: null,
    runtimeServices: []
  },
  InvalidPlace: { pointer: '/name', message: 'is missing' }
}

/** A stream of server-sent events as it goes over the wire. */
function events (...list: { id: string, event: string, data: unknown }[]): string {
  return list.map(({ id, event, data }) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join('')
}

/** How the streams of logs look. */
export const streamExamples = {
  operationLog: events(
    { id: '78', event: 'log', data: { offset: 0, nextOffset: 78, lines: [{ ts: createdAt, stream: 'system', chunk: 'web is ready\n' }] } },
    { id: 'end', event: 'end', data: operation }
  ),
  serviceLog: events(
    { id: '1:2', event: 'log', data: { attempt: 1, offset: 0, nextOffset: 2, content: '/\n' } },
    { id: '2:0', event: 'attempt', data: { attempt: 2 } },
    { id: 'end', event: 'end', data: { ...runtimeService, status: 'stopped', attempt: 2 } }
  )
}
