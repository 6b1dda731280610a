import t from 'tap'
import type { CommandEntry } from '../../../openapi/schemas/workspace-config.ts'
import { listEntries } from '../../../services/runtime/commands.ts'
import { templateProblems } from '../../../services/runtime/template-problems.ts'

const check = (entry: CommandEntry) => templateProblems(listEntries({ commands: [entry, { name: 'api', command: 'api' }] }, 'execution_workspace'), '/p').map(({ pointer }) => pointer)

const bad: [string, CommandEntry, string][] = [
  ['an unknown name in a command', { command: 'x {{nope}}' }, '/p/commands/0/command'],
  ['an unknown name in a folder', { command: 'x', cwd: '{{workspace.nope}}' }, '/p/commands/0/cwd'],
  ['an unknown name in a variable', { command: 'x', env: { A: '{{secrets.a}}' } }, '/p/commands/0/env/A'],
  ['an unknown name in a URL', { command: 'x', expose: { urlTemplate: 'http://{{host}}' } }, '/p/commands/0/expose/urlTemplate'],
  ['an unknown name in a probe', { command: 'x', readiness: { type: 'http', urlTemplate: 'http://{{host}}' } }, '/p/commands/0/readiness/urlTemplate'],
  ['a service that is not configured', { command: 'x {{services.db.port}}' }, '/p/commands/0/command']
]
for (const [title, entry, pointer] of bad) {
  t.test(`${title} is a problem at its place`, async t => t.same(check(entry), [pointer]))
}

t.test('known names, configured services and plain braces are none', async t => {
  t.same(check({ command: 'x {{workspace.cwd}} {{issue.title}} {{services.api.url}} \\{{nope}}', env: { A: '{{workspace.env.HOME}} {{port}}', B: 1 } }), [])
})
