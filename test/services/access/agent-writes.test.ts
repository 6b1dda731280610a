/** What an agent may not write. */
import fc from 'fast-check'
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
    members: { errors: [{ pointer: '/cwd' }, { pointer: '/config/cleanupCommand' }] }
  })
  t.doesNotThrow(() => forbidAgentWrites(localBoard, body, 'execution_workspace'))
  t.doesNotThrow(() => forbidAgentWrites(agent, { name: 'a' }, 'execution_workspace'))
})

/** Any JSON value without a key that is forbidden anywhere. */
const harmlessKey = fc.constantFrom('name', 'note', 'config', 'metadata', 'desiredState', 'serviceStates', 'items', '0', 'a/b', '~', '', 'constructor', 'command name')
const { json } = fc.letrec<{ json: unknown, object: Record<string, unknown> }>(tie => ({
  object: fc.dictionary(harmlessKey, tie('json'), { maxKeys: 4 }),
  json: fc.oneof({ maxDepth: 5 }, fc.constantFrom<unknown>(null, true, 7, 'provisionCommand', 'text'), tie('object'), fc.array(tie('json'), { maxLength: 3 }))
}))

/** The same word in another spelling: `Provision_Command`, `PROVISIONCOMMAND`. */
const spelled = (word: string) => fc.tuple(fc.array(fc.tuple(fc.boolean(), fc.constantFrom('', '', '', '_', '-', ' ')), { minLength: word.length, maxLength: word.length }))
  .map(([changes]) => [...word].map((letter, index) => `${changes[index]?.[0] === true ? letter.toUpperCase() : letter}${index === word.length - 1 ? '' : changes[index]?.[1] ?? ''}`).join(''))

/** A way down through objects and lists, and the pointer it makes. */
const nesting = fc.array(fc.oneof(harmlessKey.filter(key => key !== ''), fc.constant(null)), { maxLength: 6 })

function buried (value: unknown, way: readonly (string | null)[]): { value: unknown, pointer: string } {
  const [step, ...rest] = way
  if (step === undefined) return { value, pointer: '' }
  const inner = buried(value, rest)
  if (step === null) return { value: ['first', inner.value], pointer: `/1${inner.pointer}` }
  return { value: { [step]: inner.value }, pointer: `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}${inner.pointer}` }
}

const regionsOf: Record<WriteKind, string[][]> = {
  execution_workspace: [['config'], ['metadata', 'config'], ['workspaceStrategy']],
  project_workspace: [['metadata', 'config']],
  project: [['executionWorkspacePolicy']],
  issue: [['executionWorkspaceSettings']]
}
const hidden = ['provisionCommand', 'teardownCommand', 'cleanupCommand', 'workspaceRuntime', 'runtimeConfig', 'cwd', 'providerRef', 'repoUrl', 'worktreeParentDir', 'copyFiles']
const kinds = Object.keys(regionsOf) as WriteKind[]

t.test('however deep, in whatever list and spelling: it is found, and named', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(
    fc.constantFrom(...kinds).chain(kind => fc.tuple(fc.constant(kind), fc.constantFrom(...regionsOf[kind] ?? []).chain(region => fc.tuple(...region.map(spelled))))),
    fc.constantFrom(...hidden).chain(spelled), nesting, json, fc.dictionary(harmlessKey, json, { maxKeys: 3 }),
    ([kind, region], key, way, value, beside) => {
      const { value: inner, pointer } = buried({ [key]: value }, way)
      const body = region.reduceRight<unknown>((made, name) => ({ [name]: made }), inner)
      const whole = { ...beside, ...body as object }
      const expected = `/${region.join('/')}${pointer}/${key}`
      if (!forbiddenPointers(whole, kind).includes(expected)) throw new Error(`${expected} is not among ${JSON.stringify(forbiddenPointers(whole, kind))}`)
    }), { numRuns: 500 }))
})

t.test('what holds nothing of it is not refused', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.constantFrom(...kinds), fc.dictionary(harmlessKey, json), (kind, body) => forbiddenPointers(body, kind).length === 0), { numRuns: 500 }))
})

t.test('a key that would be a prototype is a key like others', async t => {
  const body: unknown = JSON.parse('{"config":{"__proto__":{"provisionCommand":"x"}}}')
  t.same(forbiddenPointers(body, 'execution_workspace'), ['/config/__proto__/provisionCommand'])
})
