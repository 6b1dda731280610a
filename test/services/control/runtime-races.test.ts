/** Actions on one service at the same moment, at random offsets: whoever comes first, the rows tell the truth about the processes. */
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildTestApp, type Answer, type TestApp } from '../../fixtures/app.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { processesIn, runtimeScene, type RuntimeScene } from '../../fixtures/runtime.ts'

interface Shown { id: string, status: string, providerRef: string | null }

const rounds = 50
/** About as long as a start takes. */
const spreadMs = 60
const command = { name: 'web', command: 'echo up; exec sleep 60', reuseScope: 'execution_workspace', readiness: { type: 'log', pattern: 'up' } }

/** Running rows and living processes are the same, at most one of each; gives how many, and what is not so. */
async function look (scene: RuntimeScene): Promise<{ running: number, lies: string[] }> {
  const services: Shown[] = (await scene.get()).runtimeServices
  const running = services.filter(({ status }) => status === 'running').map(({ providerRef }) => Number(providerRef))
  const unsettled = services.filter(({ status }) => status === 'starting' || status === 'backing_off')
  const living = processesIn(scene.folder)
  const isTrue = unsettled.length === 0 && running.length <= 1 && JSON.stringify(running) === JSON.stringify(living)
  const lie = `rows say ${JSON.stringify(services.map(({ status, providerRef }) => [status, providerRef]))}, processes are ${JSON.stringify(living)}`
  return { running: running.length, lies: isTrue ? [] : [lie] }
}

/** The first look that is true; a process has no environment to be found by in the moment of its `exec`. */
async function lookTwice (scene: RuntimeScene): Promise<{ running: number, lies: string[] }> {
  const first = await look(scene)
  if (first.lies.length === 0) return first
  await pause(100)
  return await look(scene)
}

const unexpected = (answer: Answer, statuses: number[]): string[] => statuses.includes(answer.status) ? [] : [`${answer.status} ${answer.text}`]

const soon = async (action: () => Promise<Answer>) => {
  await pause(Math.random() * spreadMs)
  return await action()
}

async function startAgainstStop (t: Test, testApp: TestApp): Promise<void> {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [command] } })
  const problems: string[] = []
  const ends = new Set<number>()
  for (let round = 0; round < rounds; round++) {
    const [started, stopped] = await Promise.all([soon(async () => await scene.control('start')), soon(async () => await scene.control('stop'))])
    const { running, lies } = await lookTwice(scene)
    // A start that is told to give up is no success; anything else would be a mistake of the service.
    problems.push(...unexpected(started, [200, 422]), ...unexpected(stopped, [200]), ...lies)
    ends.add(running)
    if (round % 2 === 0) await scene.control('stop')
  }
  t.same(problems, [])
  t.same([...ends].sort(), [0, 1], 'either came last at least once')
}

async function restartAgainstArchive (t: Test, testApp: TestApp): Promise<void> {
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [command] } })
  const path = `/api/execution-workspaces/${scene.workspaceId}`
  const problems: string[] = []
  await scene.control('start')
  for (let round = 0; round < rounds; round++) {
    const [restarted, archived] = await Promise.all([soon(async () => await scene.control('restart')), soon(async () => await testApp.call('POST', `${path}/archive`))])
    const { running, lies } = await lookTwice(scene)
    problems.push(...unexpected(restarted, [200, 409, 422]), ...unexpected(archived, [200, 409]), ...lies)
    const { status } = await scene.get()
    if (status === 'archived' && running > 0) problems.push(`archived, and ${running} running`)
    if (status === 'archived') await testApp.call('POST', `${path}/restore`)
    if (running === 0) await scene.control('start')
  }
  t.same(problems, [])
  t.match(await scene.get(), { status: 'active' })
  t.same(await lookTwice(scene), { running: 1, lies: [] })
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`${rounds} rounds at random offsets (${kind})`, async t => {
    const testApp = await buildTestApp(t, { database: (await openTestDatabase(t, kind)).database })
    await t.test('a start against a stop', async t => await startAgainstStop(t, testApp))
    await t.test('a restart against an archive', async t => await restartAgainstArchive(t, testApp))
  })
}
