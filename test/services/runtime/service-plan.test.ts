import t from 'tap'
import type { CommandEntry } from '../../../openapi/schemas/workspace-config.ts'
import { createEnvironmentBuilder } from '../../../services/process/environment.ts'
import { listEntries } from '../../../services/runtime/commands.ts'
import { addressOf, planService, readinessTimeoutMs, renderService, type PlanInput } from '../../../services/runtime/service-plan.ts'

const environment = createEnvironmentBuilder({ hostEnv: { PATH: '/bin', DATABASE_URL: 'postgres://secret', BERTH_JWT_SECRET: 's', HOME: '/home/x' }, commandEnvNames: [], prefix: 'BERTH_' })
const context: PlanInput['context'] = {
  companyId: 'c',
  projectId: 'p',
  projectWorkspaceId: 'pw',
  workspace: { cwd: '/w', path: '/w', worktreePath: null, branchName: "it's $(whoami)", baseCwd: '/w', repoRoot: '/w', repoRef: null, repoUrl: null, source: 'project_primary', created: false },
  issue: { id: 'i', identifier: 'A-1', title: 'Fix the Login' },
  agent: null
}

function plan (entry: CommandEntry, extra: Partial<PlanInput> = {}) {
  const [command] = listEntries({ services: [entry] }, 'execution_workspace')
  if (command === undefined) throw new Error('no command')
  const owner = { companyId: 'c', projectId: 'p', projectWorkspaceId: 'pw', executionWorkspaceId: 'ew', issueId: 'i', agentId: null, runId: null }
  return planService({ command, owner, context, baseCwd: '/w', callId: 'call', environment, serviceNames: ['web', 'api'], ...extra })
}

const timeouts: [string, CommandEntry, number][] = [
  ['its own time-out', { command: 'npm run dev', readiness: { type: 'http', timeoutSec: 7 } }, 7000],
  ['90 s for npm run dev', { command: 'npm run dev' }, 90_000],
  ['90 s for pnpm dev with options and variables', { command: 'FOO=1 pnpm --silent dev -- --host' }, 90_000],
  ['90 s for yarn dev', { command: 'yarn dev' }, 90_000],
  ['30 s for another script', { command: 'npm run develop' }, 30_000],
  ['30 s for anything else', { command: 'node dev.js' }, 30_000]
]
for (const [title, entry, expected] of timeouts) {
  t.test(`readiness may take ${title}`, async t => t.equal(readinessTimeoutMs(entry), expected))
}

t.test('the folder is rendered and taken from the workspace', async t => {
  t.equal(plan({ command: 'x' }).cwd, '/w')
  t.equal(plan({ command: 'x', cwd: 'apps/web' }).cwd, '/w/apps/web')
  t.equal(plan({ command: 'x', cwd: '{{workspace.cwd}}/api' }).cwd, '/w/api')
})

t.test('the port goes in by its key, the mark always, secrets of the host never', async t => {
  const rendered = renderService(plan({ command: 'serve', env: { API: 'http://localhost:{{port}}', N: 1 }, port: { type: 'auto', envKey: 'WEB_PORT' } }), { port: 4001, addresses: {}, mark: 'm' })
  t.match(rendered.env, { WEB_PORT: '4001', API: 'http://localhost:4001', N: '1', BERTH_SPAWN_MARK: 'm', BERTH_WORKSPACE_CWD: '/w', PATH: '/bin' })
  t.notOk('DATABASE_URL' in rendered.env)
  t.notOk('BERTH_JWT_SECRET' in rendered.env)
})

t.test('a value in a command is passed by the environment, never as shell text', async t => {
  const { command, env } = renderService(plan({ command: 'echo {{workspace.branchName}}' }), { port: null, addresses: {}, mark: 'm' })
  t.notMatch(command, /whoami/)
  t.ok(Object.values(env).includes("it's $(whoami)"))
})

t.test('the address is what expose says, else what readiness asks, else the port', async t => {
  t.equal(addressOf(plan({ command: 'x', port: 1, expose: { urlTemplate: 'https://{{port}}.test' }, readiness: { type: 'http', urlTemplate: 'http://r/' } }), 5).url, 'https://5.test')
  t.equal(addressOf(plan({ command: 'x', port: 1, readiness: { type: 'http', urlTemplate: 'http://r:{{port}}/' } }), 5).url, 'http://r:5/')
  t.equal(addressOf(plan({ command: 'x', port: 1 }), 5).url, 'http://127.0.0.1:5/')
  t.equal(addressOf(plan({ command: 'x', port: 1, readiness: { type: 'tcp' } }), 5).url, null)
  t.equal(addressOf(plan({ command: 'x' }), null).url, null)
})

t.test('another port or another place of another service is the same service', async t => {
  const entry = { command: 'serve', env: { API: '{{services.api.url}}', P: '{{port}}' }, port: { type: 'auto' as const } }
  t.equal(plan(entry).reuseKey, plan(entry, { callId: 'other' }).reuseKey)
  t.not(plan(entry).reuseKey, plan({ ...entry, env: {} }).reuseKey)
  t.not(plan(entry).reuseKey, plan({ ...entry, port: 3000 }).reuseKey)
})

t.test('an ephemeral service is never shared, and each call has its own port', async t => {
  const one = plan({ command: 'x', lifecycle: 'ephemeral', port: { type: 'auto' } })
  const other = plan({ command: 'x', lifecycle: 'ephemeral', port: { type: 'auto' } }, { callId: 'other' })
  t.equal(one.reuseKey, null)
  t.equal(one.identityKey, other.identityKey)
  t.not(one.holderKey, other.holderKey)
})

t.test('a template that names what is unknown is refused, also before anything is started', async t => {
  t.throws(() => plan({ command: 'x {{nope}}' }), { code: 'unprocessable', message: /nope/ })
  t.throws(() => plan({ command: 'x {{services.db.port}}' }), { code: 'unprocessable', message: /services\.db\.port/ })
})
