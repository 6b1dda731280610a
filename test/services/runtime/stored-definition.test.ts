import t from 'tap'
import { createEnvironmentBuilder } from '../../../services/process/environment.ts'
import { listEntries } from '../../../services/runtime/commands.ts'
import { planService } from '../../../services/runtime/service-plan.ts'
import { lockOf, storedDefinition, toStored } from '../../../services/runtime/stored-definition.ts'

const [command] = listEntries({ services: [{ command: 'x', env: { SECRET: 's3cret' }, stop: { signal: 'SIGINT', graceSec: 2 }, log: { maxBytes: 5000 } }] }, 'execution_workspace')
if (command === undefined) throw new Error('no command')
const plan = planService({
  command,
  owner: { companyId: 'c', projectId: 'p', projectWorkspaceId: 'pw', executionWorkspaceId: 'ew', issueId: null, agentId: null, runId: null },
  context: { companyId: 'c', projectId: 'p', projectWorkspaceId: 'pw', workspace: { cwd: '/w', path: '/w', worktreePath: null, branchName: null, baseCwd: null, repoRoot: null, repoRef: null, repoUrl: null, source: null, created: false }, issue: null, agent: null },
  baseCwd: '/w',
  callId: 'call',
  environment: createEnvironmentBuilder({ hostEnv: {}, commandEnvNames: [], prefix: 'BERTH_' }),
  serviceNames: []
})

t.test('a row keeps what is needed to stop the service, and no environment', async t => {
  const health = { probe: { type: 'command' as const, command: 'ask', cwd: '/', env: { SECRET: 's3cret' } }, intervalMs: 1000, failureThreshold: 2 }
  const stored = toStored(plan, 1, health)
  t.notMatch(JSON.stringify(stored), /s3cret/)
  t.match(storedDefinition({ id: 'r', definition: stored }, 1), { commandId: 'service:1', stopSignal: 'SIGINT', graceMs: 2000, logMaxBytes: 5000, releasesPort: false, restart: { policy: 'never' }, health: { probe: { type: 'command' }, intervalMs: 1000 } })
  t.match(toStored(plan, 1, { ...health, probe: { type: 'tcp', port: 4000 } }), { health: { probe: { type: 'tcp', port: 4000 } } })
  t.match(toStored(plan, 1, null), { health: null })
})

t.test('what an older row lacks takes its usual value', async t => {
  t.match(storedDefinition({ id: 'r', definition: null }, 7), { commandId: null, stopSignal: 'SIGTERM', graceMs: 10_000, logMaxBytes: 7, holderKey: 'r' })
})

t.test('a shared service is locked by its reuse key, another by whom its port is kept for', async t => {
  t.equal(lockOf({ id: 'r', definition: null, reuse_key: 'k' }), 'service:k')
  t.equal(lockOf({ id: 'r', definition: { holderKey: 'h' }, reuse_key: null }), 'service:h')
  t.equal(lockOf({ id: 'r', definition: null, reuse_key: null }), 'service:r')
})
