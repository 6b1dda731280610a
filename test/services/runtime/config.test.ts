import t from 'tap'
import { checkRuntimeConfig, parseRuntimeConfig, runtimeConfigProblems } from '../../../services/runtime/config.ts'
import { isProblem } from '../../../services/errors.ts'

const service = (extra: object) => ({ commands: [{ name: 'web', command: 'serve', ...extra }] })

const good: [string, unknown][] = [
  ['no config', null],
  ['an empty config', {}],
  ['a service with a fixed port', service({ port: 3000 })],
  ['a service with a port object', service({ port: { value: 3000, envKey: 'WEB_PORT' } })],
  ['a service with an automatic port', service({ port: { type: 'auto' }, readiness: { type: 'http' } })],
  ['no port by null', service({ port: null })],
  ['keys of another system', service({ somethingElse: { deep: true } })],
  ['tcp readiness with a port', service({ port: 3000, readiness: { type: 'tcp' } })],
  ['log readiness', service({ readiness: { type: 'log', pattern: 'ready in \\d+' } })],
  ['a job with what only services have', { commands: [{ kind: 'job', command: 'x', port: {}, lifecycle: 'shared', readiness: { type: 'tcp' }, health: {}, restart: { policy: 'always' }, expose: { urlTemplate: '{{port}}' } }] }],
  ['the same in the list of jobs', { jobs: [{ command: 'x', readiness: { type: 'log', pattern: '(' } }] }],
  ['a service with a time-out', service({ timeoutSec: 5 })],
  ['a dependency by name', { commands: [{ name: 'db', command: 'db' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'db', condition: 'healthy' }] }] }],
  ['a dependency by id', { services: [{ name: 'web', command: 'serve', dependsOn: [{ command: 'job:build', condition: 'completed' }] }], jobs: [{ name: 'build', command: 'make' }] }]
]

const bad: [string, unknown, string][] = [
  ['a config that is a list', [], '/p'],
  ['a config that is text', 'serve', '/p'],
  ['commands that are no list', { commands: {} }, '/p/commands'],
  ['an entry that is no object', { commands: ['serve'] }, '/p/commands/0'],
  ['a fixed port without a value', service({ port: { type: 'fixed' } }), '/p/commands/0/port/value'],
  ['a list of too many', { jobs: Array.from({ length: 201 }, () => ({ command: 'x' })) }, '/p/jobs'],
  ['a service that says it is a job in the list of services', { services: [{ kind: 'job', command: 'x', port: {} }] }, '/p/services/0/port'],
  ['a mistake in a list that is out of use', { commands: [{ command: 'x' }], services: [{ command: 'y', port: {} }] }, '/p/services/0/port'],
  ['an unknown dependency', service({ dependsOn: [{ command: 'db' }] }), '/p/commands/0/dependsOn/0/command'],
  ['waiting for a service to complete', { commands: [{ name: 'db', command: 'db' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'db', condition: 'completed' }] }] }, '/p/commands/1/dependsOn/0/condition'],
  ['waiting for a job to be healthy', { commands: [{ name: 'b', kind: 'job', command: 'b' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'b', condition: 'healthy' }] }] }, '/p/commands/1/dependsOn/0/condition'],
  ['a name in a template that means nothing', service({ env: { A: '{{nope}}' } }), '/p/commands/0/env/A'],
  ['a command that needs itself', service({ dependsOn: [{ command: 'web' }] }), '/p/commands/0/dependsOn/0/command'],
  ['a cycle of two', { commands: [{ name: 'a', command: 'a', dependsOn: [{ command: 'b' }] }, { name: 'b', command: 'b', dependsOn: [{ command: 'a' }] }] }, '/p/commands/1/dependsOn/0/command']
]

for (const [title, config] of good) {
  t.test(`${title} is good`, async t => {
    t.same(runtimeConfigProblems(config, '/p'), [])
    t.doesNotThrow(() => checkRuntimeConfig(config))
  })
}

for (const [title, config, pointer] of bad) {
  t.test(`${title} is refused at ${pointer}`, async t => {
    t.same(runtimeConfigProblems(config, '/p').map(place => place.pointer), [pointer])
  })
}

t.test('a bad config is a 422 with every place', async t => {
  const config = { commands: [{ command: 1 }, { command: 'x', port: 'auto' }] }
  try {
    parseRuntimeConfig(config, '/runtimeConfig')
    t.fail('it passed')
  } catch (error) {
    if (!isProblem(error)) throw error
    t.equal(error.statusCode, 422)
    t.equal(error.code, 'invalid_runtime_config')
    t.same(error.members.errors?.map(({ pointer }) => pointer), ['/runtimeConfig/commands/0/command', '/runtimeConfig/commands/1/port'])
  }
})
