import t from 'tap'
import type { CommandEntry } from '../../../openapi/schemas/workspace-config.ts'
import { listEntries } from '../../../services/runtime/commands.ts'
import { templateProblems } from '../../../services/runtime/template-problems.ts'

const others: CommandEntry[] = [
  { name: 'api', command: 'api', port: { type: 'auto' } },
  { name: 'quiet', command: 'quiet' },
  { name: 'shown', command: 'shown', expose: { urlTemplate: 'http://shown.localhost' } },
  { name: 'passing', command: 'passing', lifecycle: 'ephemeral', port: { type: 'auto' } },
  { name: 'fixed', command: 'fixed', lifecycle: 'ephemeral', port: 3000 },
  { name: 'job', kind: 'job', command: 'job', port: 3000 }
]
const check = (entry: CommandEntry) => templateProblems(listEntries({ commands: [entry, ...others] }, 'execution_workspace'), '/p').map(({ pointer }) => pointer)

const bad: [string, CommandEntry, string][] = [
  ['an unknown name in a command', { command: 'x {{nope}}' }, '/p/commands/0/command'],
  ['an unknown name in a folder', { command: 'x', cwd: '{{workspace.nope}}' }, '/p/commands/0/cwd'],
  ['an unknown name in a variable', { command: 'x', env: { A: '{{secrets.a}}' } }, '/p/commands/0/env/A'],
  ['an unknown name in a URL', { command: 'x', expose: { urlTemplate: 'http://{{host}}' } }, '/p/commands/0/expose/urlTemplate'],
  ['an unknown name in a probe', { command: 'x', readiness: { type: 'http', urlTemplate: 'http://{{host}}' } }, '/p/commands/0/readiness/urlTemplate'],
  ['a service that is not configured', { command: 'x {{services.db.port}}' }, '/p/commands/0/command'],
  ['the port of a command without one', { command: 'x', env: { A: '{{port}}' } }, '/p/commands/0/env/A'],
  ['the port of a job', { kind: 'job', command: 'x {{port}}', port: 3000 }, '/p/commands/0/command'],
  ['a folder that depends on the port', { command: 'x', port: 3000, cwd: 'data-{{port}}' }, '/p/commands/0/cwd'],
  ['a folder that depends on another service', { command: 'x', cwd: '{{services.api.port}}' }, '/p/commands/0/cwd'],
  ['the port of a service without one', { command: 'x {{services.quiet.port}}' }, '/p/commands/0/command'],
  ['the URL of a service without one', { command: 'x {{services.quiet.url}}' }, '/p/commands/0/command'],
  ['the port of a service that is only shown', { command: 'x {{services.shown.port}}' }, '/p/commands/0/command'],
  ['a port that is another one at each start', { command: 'x {{services.passing.port}}' }, '/p/commands/0/command'],
  ['a job where a service is meant', { command: 'x {{services.job.port}}' }, '/p/commands/0/command']
]
for (const [title, entry, pointer] of bad) {
  t.test(`${title} is a problem at its place`, async t => t.same(check(entry), [pointer]))
}

t.test('known names, configured services and plain braces are none', async t => {
  t.same(check({ command: 'x {{workspace.cwd}} {{issue.title}} {{services.api.url}} \\{{nope}}', port: 3000, env: { A: '{{workspace.env.HOME}} {{port}}', B: 1 } }), [])
  t.same(check({ command: 'x {{services.api.port}} {{services.shown.url}} {{services.fixed.url}}' }), [])
  t.same(check({ kind: 'job', command: 'x', readiness: { type: 'http', urlTemplate: '{{port}} {{nope}}' } }), [])
})
