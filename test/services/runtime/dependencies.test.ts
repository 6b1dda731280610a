import t from 'tap'
import { listEntries } from '../../../services/runtime/commands.ts'
import { dependencyProblems, startOrder } from '../../../services/runtime/dependencies.ts'

const config = (needs: Record<string, string[]>) => listEntries({
  commands: Object.entries(needs).map(([name, dependsOn]) => ({ name, command: name, dependsOn: dependsOn.map(command => ({ command })) }))
}, 'execution_workspace')

const orders: [string, Record<string, string[]>, string[], string[]][] = [
  ['the given order without dependencies', { a: [], b: [], c: [] }, ['a', 'b', 'c'], ['a', 'b', 'c']],
  ['what is needed first', { web: ['api'], api: ['db'], db: [] }, ['web', 'api', 'db'], ['db', 'api', 'web']],
  ['what is needed though it was not asked for', { web: ['db'], db: [], other: [] }, ['web'], ['db', 'web']],
  ['a diamond once', { top: ['left', 'right'], left: ['base'], right: ['base'], base: [] }, ['top'], ['base', 'left', 'right', 'top']],
  ['an end even where a cycle slipped in', { a: ['b'], b: ['a'] }, ['a'], ['b', 'a']]
]
for (const [title, needs, wanted, expected] of orders) {
  t.test(`the start order has ${title}`, async t => {
    const commands = config(needs)
    const chosen = commands.filter(({ definition }) => wanted.includes(definition.name))
    t.same(startOrder(commands, chosen).map(({ definition }) => definition.name), expected)
  })
}

t.test('a cycle is named once, with its way', async t => {
  const problems = dependencyProblems(config({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] }), '/p')
  t.equal(problems.length, 1)
  t.match(problems[0], { pointer: '/p/commands/2/dependsOn/0/command', message: 'makes a cycle: a → b → c → a' })
})

const refused: [string, Record<string, string[]>, string, RegExp][] = [
  ['the command itself', { a: ['a'] }, '/p/commands/0/dependsOn/0/command', /itself/],
  ['the command itself by its id', { a: ['service:a'] }, '/p/commands/0/dependsOn/0/command', /itself/],
  ['nothing there is', { a: ['b', 'c'], b: [] }, '/p/commands/0/dependsOn/1/command', /no command of this config: c/],
  ['the same twice', { a: ['b', 'b'], b: [] }, '/p/commands/0/dependsOn/1/command', /b a second time/],
  ['the same by name and by id', { a: ['b', 'service:b'], b: [] }, '/p/commands/0/dependsOn/1/command', /b a second time/],
  ['one that needs it, in second place', { a: ['c', 'b'], b: ['c', 'a'], c: [] }, '/p/commands/1/dependsOn/1/command', /a → b → a/]
]
for (const [title, needs, pointer, message] of refused) {
  t.test(`a dependency that names ${title} is refused at its place`, async t => {
    t.match(dependencyProblems(config(needs), '/p'), [{ pointer, message }])
    t.equal(dependencyProblems(config(needs), '/p').length, 1)
  })
}
