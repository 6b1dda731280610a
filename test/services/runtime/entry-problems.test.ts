import t from 'tap'
import type { CommandEntry } from '../../../openapi/schemas/workspace-config.ts'
import { serviceProblems } from '../../../services/runtime/entry-problems.ts'

const bad: [string, CommandEntry, string][] = [
  ['a fixed port without a value', { port: { type: 'fixed' } }, '/e/port/value'],
  ['an automatic port with a value', { port: { type: 'auto', value: 3000 } }, '/e/port/value'],
  ['an empty port object', { port: {} }, '/e/port'],
  ['a port object with nothing but a variable', { port: { envKey: 'WEB_PORT' } }, '/e/port'],
  ['http readiness with nowhere to ask', { readiness: { type: 'http' } }, '/e/readiness/urlTemplate'],
  ['http readiness of a file', { readiness: { type: 'http', urlTemplate: 'file:///etc/passwd' } }, '/e/readiness/urlTemplate'],
  ['http readiness without a scheme', { readiness: { type: 'http', url: '127.0.0.1:{{port}}' }, port: 80 }, '/e/readiness/url'],
  ['http readiness of an address that is not HTTP', { readiness: { type: 'http' }, expose: { urlTemplate: 'postgres://127.0.0.1/x' } }, '/e/expose/urlTemplate'],
  ['tcp readiness without a port', { readiness: { type: 'tcp' } }, '/e/readiness/type'],
  ['tcp readiness with no port by null', { readiness: { type: 'tcp' }, port: null }, '/e/readiness/type'],
  ['log readiness without a pattern', { readiness: { type: 'log' } }, '/e/readiness/pattern'],
  ['log readiness with a broken pattern', { readiness: { type: 'log', pattern: '(' } }, '/e/readiness/pattern'],
  ['command readiness without a command', { readiness: { type: 'command' } }, '/e/readiness/command'],
  ['health without readiness', { health: { intervalSec: 5 } }, '/e/health'],
  ['health after a line in the log', { health: {}, readiness: { type: 'log', pattern: 'ready' } }, '/e/health']
]
for (const [title, entry, pointer] of bad) {
  t.test(`${title} is a problem at its place`, async t => {
    t.same(serviceProblems(entry, '/e').map(place => place.pointer), [pointer])
  })
}

const good: [string, CommandEntry][] = [
  ['http readiness at the port', { readiness: { type: 'http' }, port: 3000 }],
  ['http readiness at the address it is shown by', { readiness: { type: 'http' }, expose: { urlTemplate: 'https://{{workspace.branchName}}.localhost:{{port}}/' }, port: { type: 'auto' } }],
  ['a URL that begins with a value', { readiness: { type: 'http', urlTemplate: '{{services.api.url}}health' } }],
  ['a URL with a value for a host', { readiness: { type: 'http', urlTemplate: 'http://{{issue.identifier}}:{{port}}/a b' }, port: 80 }],
  ['health with http readiness', { readiness: { type: 'http' }, port: 80, health: {} }],
  ['health with tcp readiness', { readiness: { type: 'tcp' }, port: 80, health: { failureThreshold: 1 } }],
  ['health with command readiness', { readiness: { type: 'command', command: 'true' }, health: {} }],
  ['an address that is not HTTP, where it is not asked', { expose: { urlTemplate: 'postgres://127.0.0.1/x' } }]
]
for (const [title, entry] of good) {
  t.test(`${title} is fine`, async t => t.same(serviceProblems(entry, '/e'), []))
}
