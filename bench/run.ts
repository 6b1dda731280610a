/** `npm run bench`: measures the service on PostgreSQL beside floors of the same run, and keeps the table. */
import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { startServiceProcess, untilReady } from '../cli/service-process.ts'
import { startPostgres } from '../test/fixtures/postgres-server.ts'
import { measureAgentRule } from './access.ts'
import { measureActions } from './actions.ts'
import { authEnvironment, measureAuth } from './auth.ts'
import { measureBoot } from './boot.ts'
import { measureClosing } from './closing.ts'
import { measureLogs } from './logs.ts'
import { measureReads } from './reads.ts'
import { keep, table, type Result } from './report.ts'
import { measureWatched } from './watched.ts'

const run = promisify(execFile)

/** Makes a database of its own on the server and gives its URL; `drop` removes it. */
async function freshDatabase (serverUrl: string): Promise<{ url: string, version: string, drop (): Promise<void> }> {
  const name = `berth_bench_${randomUUID().slice(0, 8)}`
  const admin = new pg.Client({ connectionString: serverUrl })
  await admin.connect()
  const { rows } = await admin.query<{ server_version: string }>('show server_version')
  await admin.query(`create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    version: `PostgreSQL ${rows[0]?.server_version.split(' ')[0]}`,
    async drop () {
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    }
  }
}

async function main (): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'berth-bench-')))
  const server = await startPostgres()
  const database = await freshDatabase(server.url)
  const results: Result[] = []
  try {
    const repository = await makeRepository(join(folder, 'repository'))
    const withService = async (work: (url: string, pid: number) => Promise<void>) => {
      const service = await startServiceProcess({ DATABASE_URL: database.url, BERTH_DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'info', BERTH_STOP_SERVICES_ON_EXIT: 'true', ...authEnvironment })
      try {
        await untilReady(service.url)
        await work(service.url, service.pid)
      } finally {
        await service.stop()
      }
    }
    await withService(async url => {
      results.push(...await measureAuth(url))
      results.push(...await measureReads(url, database.url, repository))
      results.push(...await measureActions(url, repository))
    })
    results.push(...await measureAgentRule(database.url))
    // A process of its own for each that measures memory: what has grown by earlier work has room for more.
    await withService(async (url, pid) => { results.push(...await measureLogs(url, pid, join(folder, 'logs'))) })
    await withService(async (url, pid) => { results.push(...await measureWatched(url, pid, repository)) })
    await withService(async (url, pid) => { results.push(...await measureClosing(url, pid, database.url, folder)) })
    results.push(...await measureBoot(database.url, folder))
  } finally {
    await database.drop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  console.log(table(results))
  await keep(results, database.version)
}

/** A repository with 500 files, so that git has something to look at. */
async function makeRepository (path: string): Promise<string> {
  await run('sh', ['-c', `git init -q -b main "$0" && cd "$0" && for d in $(seq 1 20); do mkdir d$d; for f in $(seq 1 25); do echo "$d $f" > d$d/f$f; done; done
    git add -A && git -c user.name=Bench -c user.email=bench@example.invalid -c commit.gpgSign=false commit -qm files`, path])
  return path
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
