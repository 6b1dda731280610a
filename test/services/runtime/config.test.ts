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
  ['a dependency by name', { commands: [{ name: 'db', command: 'db' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'db', condition: 'healthy' }] }] }],
  ['a dependency by id', { services: [{ name: 'web', command: 'serve', dependsOn: [{ command: 'job:build', condition: 'completed' }] }], jobs: [{ name: 'build', command: 'make' }] }]
]

const bad: [string, unknown, string][] = [
  ['a config that is a list', [], '/p'],
  ['a config that is text', 'serve', '/p'],
  ['commands that are no list', { commands: {} }, '/p/commands'],
  ['an entry that is no object', { commands: ['serve'] }, '/p/commands/0'],
  ['a command that is a number', { commands: [{ command: 5 }] }, '/p/commands/0/command'],
  ['an unknown kind', service({ kind: 'daemon' }), '/p/commands/0/kind'],
  ['a port out of range', service({ port: 70000 }), '/p/commands/0/port'],
  ['a port as text', service({ port: '3000' }), '/p/commands/0/port'],
  ['a port object with a wrong type', service({ port: { type: 'random' } }), '/p/commands/0/port'],
  ['a fixed port without a value', service({ port: { type: 'fixed' } }), '/p/commands/0/port/value'],
  ['an automatic port with a value', service({ port: { type: 'auto', value: 3000 } }), '/p/commands/0/port/value'],
  ['an empty port object', service({ port: {} }), '/p/commands/0/port'],
  ['an env value that is a list', service({ env: { A: [] } }), '/p/commands/0/env/A'],
  ['an env name with an equals sign', service({ env: { 'A=B': '1' } }), '/p/commands/0/env/A=B'],
  ['an env name with a slash', service({ env: { 'a/b~c': '1' } }), '/p/commands/0/env/a~1b~0c'],
  ['a readiness without a type', service({ readiness: {} }), '/p/commands/0/readiness/type'],
  ['http readiness with nowhere to ask', service({ readiness: { type: 'http' } }), '/p/commands/0/readiness/urlTemplate'],
  ['tcp readiness without a port', service({ readiness: { type: 'tcp' } }), '/p/commands/0/readiness/type'],
  ['log readiness without a pattern', service({ readiness: { type: 'log' } }), '/p/commands/0/readiness/pattern'],
  ['log readiness with a broken pattern', service({ readiness: { type: 'log', pattern: '(' } }), '/p/commands/0/readiness/pattern'],
  ['command readiness without a command', service({ readiness: { type: 'command' } }), '/p/commands/0/readiness/command'],
  ['a time-out of nothing', service({ timeoutSec: 0 }), '/p/commands/0/timeoutSec'],
  ['an unknown signal', service({ stop: { signal: 'SIGNOPE' } }), '/p/commands/0/stop/signal'],
  ['a mistake in a list that is out of use', { commands: [{ command: 'x' }], jobs: [{ command: 'y', port: {} }] }, '/p/jobs/0/port'],
  ['an unknown dependency', service({ dependsOn: [{ command: 'db' }] }), '/p/commands/0/dependsOn/0/command'],
  ['waiting for a service to complete', { commands: [{ name: 'db', command: 'db' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'db', condition: 'completed' }] }] }, '/p/commands/1/dependsOn/0/condition'],
  ['waiting for a job to be healthy', { commands: [{ name: 'b', kind: 'job', command: 'b' }, { name: 'web', command: 'serve', dependsOn: [{ command: 'b', condition: 'healthy' }] }] }, '/p/commands/1/dependsOn/0/condition'],
  ['a name in a template that means nothing', service({ env: { A: '{{nope}}' } }), '/p/commands/0/env/A'],
  ['a command that needs itself', service({ dependsOn: [{ command: 'web' }] }), '/p/commands/0/dependsOn'],
  ['a cycle of two', { commands: [{ name: 'a', command: 'a', dependsOn: [{ command: 'b' }] }, { name: 'b', command: 'b', dependsOn: [{ command: 'a' }] }] }, '/p/commands/1/dependsOn']
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
