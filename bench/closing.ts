/** Closing against git's own commands: readiness, archive, rescue; and a round of the sweeper over many workspaces. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { createClient, type Call } from '../cli/client.ts'
import { openDatabase } from '../db/client.ts'
import { createGit } from '../services/git/exec.ts'
import { takeSnapshot } from '../services/git/rescue.ts'
import { pairMs, timeMs } from './measure.ts'
import { multiple, over, type Result } from './report.ts'
import { seedWorkspaces } from './seed.ts'

const run = promisify(execFile)

interface Workspace { id: string, providerRef: string }

interface SweepAnswer { items: { outcome: string }[] }

const files = 5_000
const changed = 2_000
const seeded = 10_000
const due = 20

/** So many files that git has something to look at. */
async function makeLargeRepository (path: string): Promise<void> {
  for (let folder = 0; folder < files / 50; folder += 1) {
    await mkdir(join(path, `d${folder}`), { recursive: true })
    for (let file = 0; file < 50; file += 1) await writeFile(join(path, `d${folder}`, `f${file}`), `${folder} ${file}\n`.repeat(20))
  }
  const git = async (...args: string[]) => await run('git', args, { cwd: path })
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'Bench')
  await git('config', 'user.email', 'bench@example.invalid')
  await git('add', '-A')
  await git('-c', 'commit.gpgSign=false', 'commit', '-qm', 'files')
}

async function register (call: Call, cwd: string): Promise<{ companyId: string, projectId: string }> {
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  await call('PUT', `/api/companies/${companyId}`, { name: 'Bench closing' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Bench closing' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd, isPrimary: true })
  return { companyId, projectId }
}

/** Everything that closing promises about its speed. `pid` is the service's. */
export async function measureClosing (serviceUrl: string, pid: number, databaseUrl: string, folder: string): Promise<Result[]> {
  const repository = join(folder, 'large')
  await makeLargeRepository(repository)
  const call = createClient(serviceUrl)
  const { companyId, projectId } = await register(call, repository)
  const create = async (name: string): Promise<Workspace> => (await call<Workspace>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'isolated_workspace', name }, 201)).body
  return [
    await measureReadiness(call, await create('looked at')),
    await measureArchive(call, create, repository),
    await measureRescue(repository, folder),
    ...await measureSweep(call, { pid, databaseUrl })
  ]
}

async function measureReadiness (call: Call, { id, providerRef }: Workspace): Promise<Result> {
  const readiness = await pairMs(9,
    () => timeMs(() => call('GET', `/api/execution-workspaces/${id}/close-readiness`)),
    () => timeMs(() => run('git', ['status', '--porcelain=v2', '--branch'], { cwd: providerRef })))
  return multiple(`close readiness, ${files} files`, 'one git status', readiness, 2)
}

async function measureArchive (call: Call, create: (name: string) => Promise<Workspace>, repository: string): Promise<Result> {
  const archive = await pairMs(5,
    async round => {
      const { id } = await create(`archive ${round}`)
      return await timeMs(() => call('POST', `/api/execution-workspaces/${id}/archive`, {}, 200))
    },
    async round => {
      const path = join(repository, '..', `removed-${round}`)
      await run('git', ['worktree', 'add', '-q', '--no-track', '-b', `removed-${round}`, path, 'main'], { cwd: repository })
      return await timeMs(() => run('git', ['worktree', 'remove', path], { cwd: repository }))
    })
  return over(`archive, ${files} clean files`, 'git worktree remove', archive, 40)
}

/** The snapshot itself, in this process: that is what `git add` is compared with. */
async function measureRescue (repository: string, folder: string): Promise<Result> {
  const git = createGit()
  const change = async (name: string): Promise<string> => {
    const path = join(folder, name)
    await run('git', ['worktree', 'add', '-q', '--no-track', '-b', name, path, 'main'], { cwd: repository })
    for (let file = 0; file < changed; file += 1) await writeFile(join(path, `d${Math.floor(file / 50)}`, `f${file % 50}`), `${name} ${file}\n`.repeat(20))
    return path
  }
  const rescue = await pairMs(3,
    async round => {
      const worktreePath = await change(`rescued-${round}`)
      return await timeMs(() => takeSnapshot(git, { repoRoot: repository, worktreePath, workspaceId: `bench-${round}` }))
    },
    async round => {
      const path = await change(`added-${round}`)
      return await timeMs(() => run('git', ['add', '-A'], { cwd: path }))
    })
  return multiple(`rescue of ${changed} changed files`, 'git add -A', rescue, 3)
}

async function rssBytes (pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** Many rows that no rule speaks of, and some workspaces whose time has come: sessions without files, so that the round itself is measured. */
async function measureSweep (call: Call, { pid, databaseUrl }: { pid: number, databaseUrl: string }): Promise<Result[]> {
  const ids = { companyId: randomUUID(), projectId: randomUUID(), projectWorkspaceId: randomUUID() }
  const database = await openDatabase({ databaseUrl, dataDir: '', log: pino({ level: 'silent' }) })
  try {
    await seedWorkspaces(database.db, ids, '/nonexistent/bench-sweep', seeded)
    const sweep = async (): Promise<SweepAnswer> => (await call<SweepAnswer>('POST', '/api/maintenance/sweep', {}, 200)).body
    await sweep()
    const before = await rssBytes(pid)
    const ripe = await database.db.selectFrom('execution_workspaces').select('id').where('project_id', '=', ids.projectId).limit(due).execute()
    await database.db.updateTable('execution_workspaces').set({ cleanup_eligible_at: new Date(0), provider_type: 'adapter_managed', mode: 'adapter_managed' }).where('id', 'in', ripe.map(({ id }) => id)).execute()
    let archived = 0
    const oursMs = await timeMs(async () => { archived = (await sweep()).items.filter(({ outcome }) => outcome === 'archived').length })
    if (archived !== due) throw new Error(`${archived} of ${due} were archived`)
    const floorMs = await timeMs(sweep)
    const grown = (await rssBytes(pid) - before) / 2 ** 20
    return [
      { ...multiple(`a round over ${seeded} workspaces, ${due} due`, 'a round with none due', { oursMs, floorMs }, null), aim: '≤ 2 s', met: oursMs <= 2_000 },
      { what: 'memory, over two such rounds', ours: `${grown < 0 ? '−' : '+'}${Math.abs(grown).toFixed(1)} MiB`, floorIs: '', floor: '', compared: '', aim: '≤ +16 MiB', met: grown <= 16 }
    ]
  } finally {
    await database.close()
  }
}
