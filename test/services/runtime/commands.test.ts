import t from 'tap'
import type { RuntimeConfig } from '../../../openapi/schemas/workspace-config.ts'
import { commandSlug, findCommand, listCommands, listEntries } from '../../../services/runtime/commands.ts'

const ids = (config: RuntimeConfig) => listCommands(config, 'execution_workspace').map(({ id }) => id)

const idTable: [string, RuntimeConfig, string[]][] = [
  ['its own id made a slug', { commands: [{ id: 'My Web!', name: 'x', command: 'c' }] }, ['my-web']],
  ['kind and name', { commands: [{ name: 'Dev Server', command: 'c' }, { kind: 'job', name: 'db:migrate', command: 'c' }] }, ['service:dev-server', 'job:db-migrate']],
  ['the label where there is no name', { commands: [{ label: 'Label', title: 'Title', command: 'c' }] }, ['service:label']],
  ['the title where there is nothing else', { commands: [{ title: 'Title', command: 'c' }] }, ['service:title']],
  ['the place where nothing names it', { commands: [{ command: 'c' }, { kind: 'job', command: 'c' }] }, ['service:1', 'job:2']],
  ['the place where the name has no letters', { jobs: [{ name: '漢字', command: 'c' }] }, ['job:1']],
  ['a suffix for a repeat', { commands: [{ name: 'web', command: 'c' }, { name: 'web', command: 'd' }] }, ['service:web', 'service:web-commands-2']],
  ['never the same id twice', { commands: [{ id: 'a-commands-3', command: 'c' }, { id: 'a', command: 'c' }, { id: 'a', command: 'd' }] }, ['a-commands-3', 'a', 'a-commands-3-commands-3']],
  ['services and jobs where commands are empty', { commands: [], services: [{ name: 'web', command: 'c' }], jobs: [{ name: 'test', command: 'c' }] }, ['service:web', 'job:test']],
  ['only commands where both are there', { commands: [{ name: 'a', command: 'c' }], services: [{ name: 'web', command: 'c' }] }, ['service:a']]
]
for (const [title, config, expected] of idTable) {
  t.test(`an id is ${title}`, async t => {
    t.same(ids(config), expected)
    t.equal(new Set(ids(config)).size, expected.length)
  })
}

t.test('services are numbered in their order, jobs are not', async t => {
  const commands = listCommands({ commands: [{ command: 'a' }, { kind: 'job', command: 'b' }, { command: 'c' }] }, 'project_policy')
  t.same(commands.map(({ serviceIndex }) => serviceIndex), [0, null, 1])
  t.same(commands.map(({ lifecycle }) => lifecycle), ['shared', null, 'shared'])
  t.same(commands[2]?.source, { type: 'project_policy', key: 'commands', index: 2 })
})

t.test('a definition carries its entry as it was written', async t => {
  const entry = { name: ' web ', command: ' serve ', cwd: 'app', lifecycle: 'ephemeral' as const, extra: 1 }
  const [definition] = listCommands({ services: [entry] }, 'project_workspace')
  t.match(definition, { name: 'web', command: 'serve', cwd: 'app', lifecycle: 'ephemeral', disabledReason: null })
  t.same(definition?.rawConfig, entry)
})

t.test('a command without a command line is disabled, and says why', async t => {
  const [bare, blank, disabled] = listCommands({ commands: [{ name: 'a' }, { name: 'b', command: '  ' }, { name: 'c', command: 'x', disabledReason: 'needs a key' }] }, 'project_policy')
  t.equal(bare?.disabledReason, 'It has no command.')
  t.equal(blank?.disabledReason, 'It has no command.')
  t.equal(disabled?.disabledReason, 'needs a key')
})

t.test('no config has no commands', async t => {
  t.same(listCommands(null, 'project_policy'), [])
  t.same(listCommands({}, 'project_policy'), [])
})

t.test('a command is found by its id first, then by its name', async t => {
  const commands = listEntries({ commands: [{ id: 'x', name: 'b', command: '1' }, { id: 'b', name: 'y', command: '2' }] }, 'project_policy')
  t.equal(findCommand(commands, 'b')?.entry.command, '2')
  t.equal(findCommand(commands, 'y')?.entry.command, '2')
  t.equal(findCommand(commands, 'nope'), undefined)
})

t.test('a slug keeps letters and digits and folds the rest', async t => {
  t.equal(commandSlug('--Dev  Server (2)!'), 'dev-server-2')
  t.equal(commandSlug('…'), '')
})
