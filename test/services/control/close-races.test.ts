/** Archive, restore, start, run and a writing program in one workspace at random offsets: whoever comes first, nothing is lost and nothing half done. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { DatabaseKind } from '../../../db/client.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import type { Answer } from '../../fixtures/app.ts'
import { runGit } from '../../fixtures/git.ts'
import { httpHouse, type HttpHouse } from '../../fixtures/http-workspaces.ts'
import { processesIn } from '../../fixtures/runtime.ts'

/** In each of two workspaces of one repository, which do it beside each other. */
const rounds = 25
/** About as long as an archive takes. */
const spreadMs = 500
const filesOfARound = 40
const runtimeConfig = {
  commands: [
    { name: 'web', command: 'echo up; exec sleep 60', reuseScope: 'execution_workspace', readiness: { type: 'log', pattern: 'up' } },
    { name: 'quick', kind: 'job', command: 'echo done' }
  ]
}

/** When each begins, in milliseconds, and whether the writer holds on to the folder wherever it is moved. */
interface Round { start: number, run: number, archive: number, archiveToo: number, restore: number, write: number, holdsOn: boolean }
const offset = fc.integer({ min: 0, max: spreadMs })
const round: fc.Arbitrary<Round> = fc.record({ start: offset, run: offset, archive: offset, archiveToo: offset, restore: fc.integer({ min: 0, max: 3 * spreadMs }), write: offset, holdsOn: fc.boolean() })

/** What each may answer; 422: a start or job that was told to give up, a restore that somebody wrote into. */
const expected: Record<string, number[]> = { start: [200, 409, 422], run: [200, 409, 422], archive: [200, 409], archiveToo: [200, 409], restore: [200, 409, 422] }

interface Scene extends HttpHouse {
  id: string
  tree: string
  post (action: string, body?: object): Promise<Answer>
}

async function openScene (t: Test, house: HttpHouse, name: string): Promise<Scene> {
  const { body: { id, providerRef: tree } } = await house.create({ mode: 'isolated_workspace', name })
  const post: Scene['post'] = async (action, body) => await house.call('POST', `/api/execution-workspaces/${id}/${action}`, body)
  t.teardown(async () => await post('runtime-services/stop'))
  return { ...house, id, tree, post }
}

/** Writes files one after the other, and gives the names of those that were whole while the folder was at its place. */
async function write (tree: string, prefix: string, holdsOn: boolean): Promise<string[]> {
  const whole: string[] = []
  const folder = holdsOn ? await open(tree, 'r').catch(() => null) : null
  for (let count = 0; count < filesOfARound; count++) {
    const name = `${prefix}-${count}`
    const done = await writeFile(join(folder === null ? tree : `/proc/self/fd/${folder.fd}`, name), name).then(() => true, () => false)
    if (done && lstatSync(join(tree, name), { throwIfNoEntry: false }) !== undefined) whole.push(name)
    await pause(count % 4)
  }
  await folder?.close()
  return whole
}

/** Plays one round; gives what each answered, what the writer finished, and what is not as it has to be. */
async function play (scene: Scene, offsets: Round, prefix: string): Promise<{ status: string, problems: string[] }> {
  const after = async <T>(ms: number, action: () => Promise<T>): Promise<T> => {
    await pause(ms)
    return await action()
  }
  const [start, run, archive, archiveToo, restore, whole] = await Promise.all([
    after(offsets.start, async () => await scene.post('runtime-services/start', { workspaceCommandId: 'service:web' })),
    after(offsets.run, async () => await scene.post('runtime-commands/run', { workspaceCommandId: 'job:quick' })),
    after(offsets.archive, async () => await scene.post('archive')),
    after(offsets.archiveToo, async () => await scene.post('archive')),
    after(offsets.restore, async () => await scene.post('restore')),
    after(offsets.write, async () => await write(scene.tree, prefix, offsets.holdsOn))
  ])
  const problems = Object.entries({ start, run, archive, archiveToo, restore }).filter(([name, { status }]) => expected[name]?.includes(status) !== true)
    .map(([name, { status, text }]) => `${name} answered ${status}: ${text}`)
  const { body: { status } } = await scene.call('GET', `/api/execution-workspaces/${scene.id}`)
  return { status, problems: [...problems, ...look(scene, status), ...findLost(scene, whole)] }
}

/** What the status says is so. */
function look ({ tree, id, repository }: Scene, status: string): string[] {
  const problems: string[] = []
  if (!['archived', 'active', 'cleanup_failed'].includes(status)) problems.push(`it is left ${status}`)
  if (status === 'active' && runGit(tree, 'rev-parse', '--show-toplevel') !== tree) problems.push('it is active, and its folder is no worktree')
  if (status === 'active' && existsSync(asidePathOf(tree, id))) problems.push('it is active, and has a folder aside')
  if (status !== 'archived') return problems
  if (existsSync(tree) || existsSync(asidePathOf(tree, id))) problems.push('it is archived, and its folder is there')
  if (runGit(repository, 'worktree', 'list', '--porcelain').includes(tree)) problems.push('it is archived, and git lists it')
  return [...problems, ...processesIn(tree).map(pid => `it is archived, and process ${pid} lives`)]
}

/** Of the files that were whole, those that are neither at their place nor in a snapshot. */
function findLost ({ tree, id, repository }: Scene, whole: readonly string[]): string[] {
  const missing = whole.filter(name => !existsSync(join(tree, name)))
  if (missing.length === 0) return []
  const kept = new Set(runGit(repository, 'rev-list', '--objects', `--glob=refs/berth/rescue/${id}*`).split('\n').map(line => line.slice(line.indexOf(' ') + 1)))
  return missing.filter(name => !kept.has(name)).map(name => `${name} is lost`)
}

/** Makes it active again, without what the writers left. */
async function reset (scene: Scene): Promise<string[]> {
  const { body } = await scene.call('GET', `/api/execution-workspaces/${scene.id}`)
  const restored = body.status === 'active' ? null : await scene.post('restore')
  if (restored !== null && restored.status !== 200) return [`it can not be restored from ${body.status}: ${restored.text}`]
  await scene.post('runtime-services/stop')
  for (const name of readdirSync(scene.tree)) if (name.startsWith('round-')) rmSync(join(scene.tree, name))
  return processesIn(scene.tree).map(pid => `all is stopped, and process ${pid} lives`)
}

async function race (t: Test, scene: Scene, seed: number): Promise<void> {
  const ends = new Map<string, number>()
  const problems: string[] = []
  for (const [at, offsets] of fc.sample(round, { numRuns: rounds, seed }).entries()) {
    const { status, problems: found } = await play(scene, offsets, `round-${at}`)
    ends.set(status, (ends.get(status) ?? 0) + 1)
    problems.push(...[...found, ...await reset(scene)].map(problem => `round ${at} ${JSON.stringify(offsets)}: ${problem}`))
    if (problems.length > 0) break
  }
  t.same(problems, [], `seed ${seed}`)
  t.ok((ends.get('archived') ?? 0) > 0 && (ends.get('active') ?? 0) > 0, `it ended as ${JSON.stringify([...ends])}`)
}

async function raceTwice (t: Test, kind: DatabaseKind, seed: number): Promise<void> {
  const house = await httpHouse(t, { kind, runtimeConfig })
  const scenes = [await openScene(t, house, 'raced'), await openScene(t, house, 'second')]
  await Promise.all(scenes.map(async (scene, at) => await race(t, scene, seed + at)))
}

t.test(`twice ${rounds} rounds (PGlite)`, async t => await raceTwice(t, 'pglite', 20260106))
t.test(`twice ${rounds} rounds (PostgreSQL)`, async t => await raceTwice(t, 'postgres', 20260116))
