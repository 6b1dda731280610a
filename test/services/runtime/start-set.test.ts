import t from 'tap'
import { listEntries, type WorkspaceCommand } from '../../../services/runtime/commands.ts'
import { startSet } from '../../../services/runtime/start-set.ts'

const commands = (needs: Record<string, string[]>) => listEntries({
  commands: Object.entries(needs).map(([name, dependsOn]) => ({ name, command: name, dependsOn: dependsOn.map(command => ({ command })) }))
}, 'execution_workspace')

/** Records when each start begins and ends; `spawn` lets one have its process, `finish` lets it end. */
function stage (failing: string[] = []) {
  const events: string[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const spawns = new Map<string, () => void>()
  const start = async ({ definition: { name } }: WorkspaceCommand, onSpawned: () => void) => {
    events.push(`${name} begins`)
    spawns.set(name, onSpawned)
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
  const spawn = async (name: string) => {
    while (!spawns.has(name)) await new Promise(setImmediate)
    spawns.get(name)?.()
    await new Promise(setImmediate)
  }
  return { events, start, spawn, finish }
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

t.test('a condition says how far what is needed has to be', async t => {
  const all = listEntries({
    commands: [
      { name: 'job', kind: 'job', command: 'job' },
      { name: 'base', command: 'base' },
      { name: 'early', command: 'early', dependsOn: [{ command: 'base', condition: 'started' }, { command: 'job', condition: 'started' }] },
      { name: 'late', command: 'late', dependsOn: [{ command: 'base', condition: 'healthy' }] },
      { name: 'usual', command: 'usual', dependsOn: [{ command: 'base' }, { command: 'job' }] }
    ]
  }, 'execution_workspace')
  const { events, start, spawn, finish } = stage()
  const result = startSet(all, all, start)
  await spawn('base')
  t.notOk(events.includes('early begins'), 'the job has no process yet')
  await spawn('job')
  t.same(events.filter(event => /early|late|usual/.test(event)), ['early begins'])
  await finish('base')
  t.same(events.filter(event => /early|late|usual/.test(event)), ['early begins', 'late begins'])
  await finish('job')
  for (const name of ['early', 'late', 'usual']) await finish(name)
  t.equal((await result).failure, null)
  t.ok(events.indexOf('usual begins') > events.indexOf('job is there'), 'without a condition a job has to be done')
})

t.test('what needs only the process of one that fails later is told with it', async t => {
  const all = listEntries({ commands: [{ name: 'base', command: 'base' }, { name: 'early', command: 'early', dependsOn: [{ command: 'base', condition: 'started' }] }, { name: 'never', command: 'never', dependsOn: [{ command: 'gone', condition: 'started' }] }, { name: 'gone', command: 'gone' }] }, 'execution_workspace')
  const { events, start, spawn, finish } = stage(['base', 'gone'])
  const result = startSet(all, all, start)
  await spawn('base')
  await finish('early')
  await finish('gone')
  await finish('base')
  const { started, failure } = await result
  t.same(started.map(({ value }) => value), ['early'])
  t.equal(failure?.command.definition.name, 'base')
  t.notOk(events.includes('never begins'), 'its process was never there')
})
