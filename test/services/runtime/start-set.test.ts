import t from 'tap'
import { listEntries, type WorkspaceCommand } from '../../../services/runtime/commands.ts'
import { startSet } from '../../../services/runtime/start-set.ts'

const commands = (needs: Record<string, string[]>) => listEntries({
  commands: Object.entries(needs).map(([name, dependsOn]) => ({ name, command: name, dependsOn: dependsOn.map(command => ({ command })) }))
}, 'execution_workspace')

/** Records when each start begins and ends; `finish` lets one end. */
function stage (failing: string[] = []) {
  const events: string[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const start = async ({ definition: { name } }: WorkspaceCommand) => {
    events.push(`${name} begins`)
    const gate = Promise.withResolvers<void>()
    gates.set(name, gate)
    await gate.promise
    if (failing.includes(name)) throw new Error(`${name} failed`)
    events.push(`${name} is there`)
    return name
  }
  const finish = async (name: string) => {
    while (!gates.has(name)) await new Promise(setImmediate)
    gates.get(name)?.resolve()
    await new Promise(setImmediate)
  }
  return { events, start, finish }
}

t.test('what depends on nothing starts at once, the rest when what it needs is there', async t => {
  const all = commands({ web: ['api', 'db'], api: ['db'], db: [], other: [] })
  const { events, start, finish } = stage()
  const result = startSet(all, all, start)
  await finish('other')
  await finish('db')
  t.notOk(events.includes('web begins'))
  await finish('api')
  await finish('web')
  const { started, failure } = await result
  t.equal(failure, null)
  t.same(started.map(({ value }) => value), ['db', 'api', 'web', 'other'])
  t.ok(events.indexOf('db is there') < events.indexOf('api begins'))
  t.ok(events.indexOf('api is there') < events.indexOf('web begins'))
  t.ok(events.indexOf('other begins') < events.indexOf('db is there'))
})

t.test('what needs something that failed is not started, and the cause is what is told', async t => {
  const all = commands({ web: ['api'], api: [], other: [] })
  const { events, start, finish } = stage(['api'])
  const result = startSet(all, all, start)
  await finish('api')
  await finish('other')
  const { started, failure } = await result
  t.same(started.map(({ value }) => value), ['other'])
  t.match(failure, { command: { definition: { name: 'api' } }, error: { message: 'api failed' } })
  t.notOk(events.includes('web begins'))
})
