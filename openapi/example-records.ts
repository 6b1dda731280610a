/** The records the examples show, on the fixed ids. */
import { exampleIds as ids } from './example-ids.ts'

export const createdAt = '2026-01-31T12:00:00.000Z'
export const stamps = { createdAt, updatedAt: createdAt }

// A program every machine with this service has. A real one would be `npm run dev`.
export const devServer = 'node -e "require(\'http\').createServer((req, res) => { console.log(req.url); res.end(\'hello\') }).listen(process.env.PORT, \'127.0.0.1\')"'

export const runtimeConfig = {
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

export const policy = { enabled: true, defaultMode: 'shared_workspace' }

export const project = { name: 'Greeter', executionWorkspacePolicy: policy }

export const projectWorkspace = {
  name: 'Main checkout',
  // Any folder of the machine will do to try things out; for isolated workspaces it is a git checkout.
  cwd: '/tmp',
  isPrimary: true,
  runtimeConfig
}

export const agent = { name: 'Ada', role: 'engineer' }

export const issue = {
  identifier: 'DEMO-1',
  title: 'Make the greeting friendlier',
  status: 'in_progress',
  projectId: ids.project,
  projectWorkspaceId: ids.projectWorkspace,
  assigneeAgentId: ids.agent
}

export const linkedIssue = { id: ids.issue, identifier: issue.identifier, title: issue.title, status: issue.status, isTerminal: false }

export const closeAction = { kind: 'archive_record', label: 'Archive the workspace', description: 'The workspace is marked as archived.', command: null }

export const runtimeService = {
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

export const workspace = {
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
  diskBytes: 48_234_496,
  diskMeasuredAt: '2026-01-05T09:40:00.000Z',
  version: 1,
  ...stamps
}

export const operation = {
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
  queuePosition: null,
  hostId: ids.host,
  startedAt: createdAt,
  finishedAt: createdAt,
  ...stamps
}

export const operationState = {
  id: ids.operation,
  executionWorkspaceId: ids.workspace,
  projectWorkspaceId: ids.projectWorkspace,
  heartbeatRunId: null,
  phase: operation.phase,
  action: 'start',
  status: operation.status,
  exitCode: null,
  startedAt: createdAt,
  finishedAt: createdAt
}

export const operationEvent = {
  id: '4711-42',
  type: 'workspace_operation.ended',
  companyId: ids.company,
  entityType: 'workspace_operation',
  entityId: ids.operation,
  data: operationState,
  createdAt
}

export const webhook = {
  id: ids.webhook,
  companyId: ids.company,
  url: 'https://hooks.example.invalid/berth',
  types: ['execution_workspace.', 'workspace_operation.ended'],
  description: null,
  enabled: true,
  disabledReason: null,
  previousSecretExpiresAt: null,
  version: 1,
  ...stamps
}

export const webhookSecret = 'whsec_QSBzZWNyZXQgb2YgYW4gZXhhbXBsZSwgdXNlIG5vbmU='

const { createdAt: timestamp, ...operationEventRest } = operationEvent

export const webhookMessage = { ...operationEventRest, timestamp }

export const webhookAttempt = { at: createdAt, durationMs: 84, httpStatus: 204, error: null, response: '' }

export const webhookDelivery = {
  id: ids.webhookDelivery,
  webhookId: ids.webhook,
  eventId: operationEvent.id,
  type: operationEvent.type,
  status: 'delivered',
  attemptCount: 1,
  lastAttempt: webhookAttempt,
  nextAttemptAt: null,
  finishedAt: createdAt,
  ...stamps
}

export const lease = {
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

export const adapterReport = { id: 'sandbox-17/preview', serviceName: 'preview', url: 'https://preview.example.com/', healthStatus: 'healthy' }

export const adapterService = {
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

export const projectWorkspaceAnswer = {
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

/** Its checksum is wrong, so that no scanner takes it for one that leaked. */
export const apiKeyText = 'berth_ExampleExampleExampleExample00000000'

export const apiKey = {
  id: ids.apiKey,
  companyId: ids.company,
  name: 'The greeter\'s own',
  prefix: 'berth_Exampl',
  actorType: 'agent',
  agentId: ids.agent,
  userId: null,
  role: null,
  createdBy: 'local',
  expiresAt: null,
  lastUsedAt: createdAt,
  revokedAt: null,
  ...stamps
}
