/** Worktrees and folders in the data dir that no workspace knows: noted, rescued and removed when their time has come, or left alone. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { strayName } from '../../../services/archive/stray-names.ts'
import { runGit } from '../../fixtures/git.ts'
import { httpHouse, type HttpHouse } from '../../fixtures/http-workspaces.ts'

const sweep = async ({ call }: HttpHouse, query = '') => {
  const { status, body, text } = await call('POST', `/api/maintenance/sweep${query}`)
  if (status !== 200) throw new Error(text)
  return body.items as { workspaceId: string | null, path: string, rule: string, outcome: string, reason: string }[]
}
const told = (items: Awaited<ReturnType<typeof sweep>>) => items.map(({ path, outcome }) => [path, outcome])

/** A worktree with work in it, made behind the service's back. */
async function strayOf ({ dataDir, repository }: HttpHouse, branch: string, path = join(dataDir, 'worktrees', 'nobody', branch)) {
  runGit(repository, 'worktree', 'add', '--quiet', '-b', branch, path)
  await writeFile(join(path, 'thought.txt'), 'a thought\n')
  return path
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`a worktree is noted, and goes when its time has come, with its work kept (${kind})`, async t => {
    const house = await httpHouse(t, { kind, config: { orphanGraceSec: 0 } })
    const { repository, create, dataDir } = house
    const { body: known } = await create({ mode: 'isolated_workspace', name: 'known' })
    const [stray, locked] = [await strayOf(house, 'fix/stray'), await strayOf(house, 'locked')]
    runGit(repository, 'worktree', 'lock', locked)
    const folder = join(dataDir, 'worktrees', 'nobody', 'folder')
    await mkdir(folder)
    await writeFile(join(folder, 'a'), 'a note\n')
    const own = join(dataDir, 'worktrees', 'nobody', 'own')
    await mkdir(own)
    runGit(own, 'init', '--quiet')
    await symlink(repository, join(dataDir, 'worktrees', 'nobody', 'link'))

    t.same(told(await sweep(house, '?dryRun=true')), [[stray, 'skipped'], [folder, 'skipped'], [locked, 'skipped'], [own, 'skipped']], 'a dry run notes nothing')
    const first = await sweep(house)
    t.same(told(first), [[stray, 'stray_noted'], [folder, 'stray_noted'], [locked, 'stray_noted'], [own, 'skipped']])
    t.match(first, [{ workspaceId: null, rule: 'stray', reason: /No workspace knows it/ }, {}, {}, { reason: /left alone/ }])
    t.same(told(await sweep(house, '?dryRun=true')), [[stray, 'would_remove_stray'], [folder, 'would_remove_stray'], [locked, 'would_remove_stray'], [own, 'skipped']])
    const second = await sweep(house)
    t.same(told(second), [[stray, 'stray_removed'], [folder, 'stray_removed'], [locked, 'skipped'], [own, 'skipped']])
    t.match(second[2]?.reason, /has to stay: .*locked/)
    t.notOk(existsSync(stray))
    t.ok(existsSync(join(locked, 'thought.txt')) && existsSync(known.cwd) && existsSync(own))
    t.notOk(existsSync(folder))
    const archive = / in (\S+\.tar\.zst)/.exec(second[1]?.reason ?? '')?.[1] ?? ''
    t.match(zstdDecompressSync(await readFile(archive)).toString('latin1'), 'a note\n', 'a plain folder is kept as an archive')
    const ref = /refs\/berth\/rescue\/\S+/.exec(second[0]?.reason ?? '')?.[0] ?? ''
    t.match(runGit(repository, 'rev-list', '--objects', ref), /thought\.txt/, 'what was in it is kept')
    t.notMatch(runGit(repository, 'worktree', 'list'), stray)
    t.match(runGit(repository, 'branch', '--list', 'fix/stray'), /fix\/stray/, 'its branch stays')
    t.same(told(await sweep(house)), [[locked, 'skipped'], [own, 'skipped']])
  })
}

t.test('not before the grace time is over; what is a workspace by then stays; a leftover that was renamed aside goes too', async t => {
  const house = await httpHouse(t, { config: { orphanGraceSec: 1_000 } })
  const { call, create, database: { db }, projectId, dataDir } = house
  const taken = await strayOf(house, 'taken', join(dataDir, 'worktrees', projectId, 'taken'))
  const moved = await strayOf(house, 'moved')
  const aside = asidePathOf(moved, 'gone')
  await rename(moved, aside)
  t.same(told(await sweep(house)), [[taken, 'stray_noted'], [aside, 'stray_noted']].sort())
  t.match((await sweep(house)).map(({ reason }) => reason), [/Not before/, /Not before/])
  const { status, body } = await create({ mode: 'isolated_workspace', name: 'taken', workspaceStrategy: { type: 'git_worktree', branchTemplate: 'taken' } })
  t.match([status, body.cwd], [201, taken])
  await db.updateTable('stray_folders').set({ first_seen_at: new Date(0) }).execute()
  t.same(told(await sweep(house)), [[aside, 'stray_removed']])
  t.ok(existsSync(join(taken, 'thought.txt')))
  t.notOk(existsSync(aside))
  t.same(await db.selectFrom('stray_folders').select('path').execute(), [], 'nothing is remembered of what is gone')
  t.equal((await call('GET', `/api/execution-workspaces/${body.id}`)).body.status, 'active')
})

t.test('an archive of a stray is kept as long as its project says, else as long as the settings do', async t => {
  const house = await httpHouse(t, { config: { orphanGraceSec: 0, retainStrayDays: 2 } })
  const { companyId, projectId, database: { db }, dataDir } = house
  for (const project of [projectId, 'nobody']) {
    await mkdir(join(dataDir, 'worktrees', project, 'folder'), { recursive: true })
    await writeFile(join(dataDir, 'worktrees', project, 'folder', 'a'), 'a note\n')
  }
  await sweep(house)
  t.same((await sweep(house)).map(({ outcome }) => outcome), ['stray_removed', 'stray_removed'])
  t.same(await sweep(house), [], 'their time is not over')
  const store = join(dataDir, 'rescue')
  /** As if they had been stored that long ago. */
  const age = async (days: number) => {
    const time = new Date(Date.now() - days * 86_400_000).toISOString().replace(/[-:.]/g, '')
    for (const name of await readdir(store)) await rename(join(store, name), join(store, name.replace(/\d{8}T\d{9}Z/, time)))
  }
  await age(3)
  await db.updateTable('projects').set({ execution_workspace_policy: JSON.stringify({ cleanupPolicy: { retainRescueDays: 4 } }) }).where('id', '=', projectId).execute()
  t.match(await sweep(house, '?dryRun=true'), [{ workspaceId: null, rule: 'retain_rescue_days', outcome: 'would_drop_rescue', path: /stray-[0-9a-f]{16}-\d+T\d+Z\.tar\.zst$/, reason: /kept for 2 days/ }])
  t.equal((await readdir(store)).length, 4, 'an archive and a manifest each')
  t.match(await sweep(house), [{ outcome: 'rescue_dropped', companyId: null }])
  t.match(await readdir(store), [new RegExp(`^stray-${projectId}-.*jsonl$`), /tar\.zst$/], 'the other one stays')
  await age(5)
  t.match(await sweep(house), [{ outcome: 'rescue_dropped', companyId, reason: /kept for 4 days/ }])
  t.same(await readdir(store), [])
})

t.test('a stray that holds a checkout somebody has registered stays', async t => {
  const house = await httpHouse(t, { config: { orphanGraceSec: 0 } })
  const stray = await strayOf(house, 'registered')
  await mkdir(join(stray, 'inside'))
  await house.database.db.updateTable('project_workspaces').set({ cwd: join(stray, 'inside') }).where('id', '=', house.projectWorkspaceId).execute()
  await sweep(house)
  t.match(await sweep(house), [{ path: stray, outcome: 'skipped', reason: /has to stay: .*project workspace/ }])
  t.ok(existsSync(join(stray, 'thought.txt')))
})

t.test('what has to stay leaves nothing behind in each round', async t => {
  const house = await httpHouse(t, { config: { orphanGraceSec: 0 } })
  const { dataDir, repository } = house
  const stray = await strayOf(house, 'held')
  await writeFile(asidePathOf(stray, strayName(stray)), 'in the way')
  const folder = join(dataDir, 'worktrees', 'nobody', 'piped')
  await mkdir(folder)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await sweep(house)
  for (let round = 0; round < 2; round++) t.match(await sweep(house), [{ path: stray, outcome: 'skipped', reason: /in the way/ }, { path: folder, outcome: 'skipped', reason: /not all of it can be kept: pipe is a pipe/i }])
  t.same(await readdir(join(dataDir, 'rescue')), [])
  t.equal(runGit(repository, 'for-each-ref', 'refs/berth'), '')
  t.ok(existsSync(join(stray, 'thought.txt')))
})
