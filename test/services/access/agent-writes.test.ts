/** What an agent may not write. */
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { forbidAgentWrites, forbiddenPointers, type WriteKind } from '../../../services/access/agent-writes.ts'
import { agentOf } from '../../fixtures/app.ts'

const agent = agentOf('11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222')

const cases: [WriteKind, object, string[]][] = [
  ['execution_workspace', { config: { provisionCommand: 'x', teardownCommand: 'x', cleanupCommand: 'x', workspaceRuntime: {} } },
    ['/config/provisionCommand', '/config/teardownCommand', '/config/cleanupCommand', '/config/workspaceRuntime']],
  ['execution_workspace', { metadata: { config: { cleanupCommand: 'x' } } }, ['/metadata/config/cleanupCommand']],
  ['execution_workspace', { config: { provisionCommand: null } }, ['/config/provisionCommand']],
  ['execution_workspace', { cwd: '/', providerRef: '/', repoUrl: 'x' }, ['/cwd', '/providerRef', '/repoUrl']],
  ['execution_workspace', { workspaceStrategy: { provisionCommand: 'x' } }, ['/workspaceStrategy/provisionCommand']],
  ['execution_workspace', { name: 'a', config: { desiredState: 'running' }, metadata: { config: { note: 1 } } }, []],
  ['execution_workspace', { config: null, metadata: null }, []],
  ['execution_workspace', { config: 'provisionCommand', metadata: ['config'] }, []],
  ['project', { executionWorkspacePolicy: { workspaceStrategy: { provisionCommand: 'x', teardownCommand: 'x' } } },
    ['/executionWorkspacePolicy/workspaceStrategy/provisionCommand', '/executionWorkspacePolicy/workspaceStrategy/teardownCommand']],
  ['project', { executionWorkspacePolicy: { enabled: true } }, []],
  ['project_workspace', { cleanupCommand: 'x', cwd: '/tmp' }, ['/cleanupCommand', '/cwd']],
  ['issue', { executionWorkspaceSettings: { workspaceStrategy: { teardownCommand: 'x' } } }, ['/executionWorkspaceSettings/workspaceStrategy/teardownCommand']]
]

for (const [kind, body, pointers] of cases) {
  t.test(`in ${kind} ${JSON.stringify(body)} forbids ${pointers.length} places`, async t => {
    t.same(forbiddenPointers(body, kind).sort(), [...pointers].sort())
  })
}

t.test('an agent gets 403 with every place, a person does not', async t => {
  const body = { cwd: '/', config: { cleanupCommand: 'x' } }
  t.throws(() => forbidAgentWrites(agent, body, 'execution_workspace'), {
    statusCode: 403,
    code: 'forbidden_for_agents',
    members: { errors: [{ pointer: '/config/cleanupCommand' }, { pointer: '/cwd' }] }
  })
  t.doesNotThrow(() => forbidAgentWrites(localBoard, body, 'execution_workspace'))
  t.doesNotThrow(() => forbidAgentWrites(agent, { name: 'a' }, 'execution_workspace'))
})
