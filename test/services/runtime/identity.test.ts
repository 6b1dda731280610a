import t from 'tap'
import { identityKeyOf, portHolderOf, reuseKeyOf, scopeOf, type ServiceOwner, type SharedIdentity } from '../../../services/runtime/identity.ts'

const owner: ServiceOwner = { companyId: 'c', projectId: 'p', projectWorkspaceId: 'pw', executionWorkspaceId: 'ew', issueId: null, agentId: 'a', runId: 'r' }
const project: ServiceOwner = { ...owner, executionWorkspaceId: null }
const byHand: ServiceOwner = { ...owner, agentId: null, runId: null }

const scopes: [string, Parameters<typeof scopeOf>[0], ServiceOwner, string][] = [
  ['a shared service belongs to the project workspace', {}, owner, 'project_workspace pw'],
  ['an ephemeral one belongs to the run', { lifecycle: 'ephemeral' }, owner, 'run r'],
  ['an ephemeral one started by hand belongs to that call', { lifecycle: 'ephemeral' }, byHand, 'run call'],
  ['reuseScope decides', { reuseScope: 'execution_workspace' }, owner, 'execution_workspace ew'],
  ['reuseScope decides for ephemeral ones too', { lifecycle: 'ephemeral', reuseScope: 'agent' }, owner, 'agent a'],
  ['without an agent the workspace stands in', { reuseScope: 'agent' }, byHand, 'execution_workspace ew'],
  ['a project workspace stands in for an execution workspace', { reuseScope: 'execution_workspace' }, project, 'project_workspace pw'],
  ['a workspace without a project workspace is its own scope', {}, { ...owner, projectWorkspaceId: null }, 'execution_workspace ew']
]
for (const [title, entry, of, expected] of scopes) {
  t.test(title, async t => {
    const { scopeType, scopeId } = scopeOf(entry, of, 'call')
    t.equal(`${scopeType} ${scopeId}`, expected)
  })
}

const identity: SharedIdentity = { scopeType: 'project_workspace', scopeId: 'pw', name: 'web', command: 'serve', cwd: '/w', fixedPort: null, env: { A: '1', B: '2' } }

t.test('the order of variables does not make another service', async t => {
  t.equal(reuseKeyOf(identity), reuseKeyOf({ ...identity, env: { B: '2', A: '1' } }))
})

const changes: [string, Partial<SharedIdentity>][] = [
  ['scope', { scopeType: 'execution_workspace' }], ['scope id', { scopeId: 'other' }], ['name', { name: 'api' }], ['command', { command: 'serve 2' }],
  ['folder', { cwd: '/v' }], ['fixed port', { fixedPort: 3000 }], ['environment', { env: { A: '1', B: '3' } }]
]
for (const [title, change] of changes) {
  t.test(`another ${title} makes another service`, async t => {
    t.not(reuseKeyOf({ ...identity, ...change }), reuseKeyOf(identity))
  })
}

t.test('starts of one command are one group, whatever its command line', async t => {
  const scope = scopeOf({}, owner, 'call')
  t.equal(identityKeyOf(owner, 'service:web', scope), identityKeyOf({ ...owner, runId: 'another' }, 'service:web', scope))
  t.not(identityKeyOf(owner, 'service:web', scope), identityKeyOf(owner, 'service:api', scope))
  t.not(identityKeyOf(owner, 'service:web', scope), identityKeyOf({ ...owner, executionWorkspaceId: 'other' }, 'service:web', scope))
  t.not(identityKeyOf(owner, 'service:web', { scopeType: 'agent', scopeId: 'a' }), identityKeyOf(owner, 'service:web', { scopeType: 'agent', scopeId: 'b' }))
})

t.test('a port is kept for a command in its folder, whichever workspace of the scope starts it', async t => {
  const scope = { scopeType: 'project_workspace' as const, scopeId: 'pw' }
  const kept = portHolderOf(scope, 'service:web', '/w', null)
  t.equal(portHolderOf({ ...scope }, 'service:web', '/w', null), kept)
  for (const other of [
    portHolderOf({ ...scope, scopeId: 'another' }, 'service:web', '/w', null),
    portHolderOf(scope, 'service:api', '/w', null),
    portHolderOf(scope, 'service:web', '/w2', null),
    portHolderOf(scope, 'service:web', '/w', 'call')
  ]) t.not(other, kept)
})
