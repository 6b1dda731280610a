/** Opening the database: what is logged, what is refused, and in which words. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { DatabaseUnusable, describeUrl, openDatabase, type DatabaseLog } from '../../db/client.ts'
import { createTestDatabase } from '../fixtures/database.ts'
import { startOldPostgres } from '../fixtures/old-postgres.ts'
import { silentLog } from '../fixtures/silent-log.ts'

function listeningLog (): { log: DatabaseLog, lines: string[] } {
  const lines: string[] = []
  const write = (_members: unknown, line: string): void => { lines.push(line) }
  return { log: { info: write, warn: write, error: write } as DatabaseLog, lines }
}

async function folder (t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'berth-client-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

async function refusal (options: { databaseUrl?: string, dataDir?: string }): Promise<string> {
  const error: unknown = await openDatabase({ dataDir: '/nowhere', log: silentLog, ...options }).then(() => null, (error: unknown) => error)
  if (!(error instanceof DatabaseUnusable)) throw new Error('it was not refused', { cause: error })
  return error.message
}

t.test('without a URL the database is in the data dir, and the log says what it survives', async t => {
  const dataDir = await folder(t)
  await mkdir(join(dataDir, 'db.new'))
  await writeFile(join(dataDir, 'db.new', 'PG_VERSION'), 'left by a start that was killed')
  const { log, lines } = listeningLog()
  const database = await openDatabase({ dataDir, log })
  t.equal(database.kind, 'pglite')
  t.strictSame((await sql`select 1 as one`.execute(database.db)).rows, [{ one: 1 }])
  t.strictSame(await readdir(dataDir), ['db'])
  t.match(lines.join(), /one process; it survives a kill of the process, not a power cut/)
  await Promise.all([database.close(), database.close()])
  await t.rejects(sql`select 1`.execute(database.db))
})

t.test('a folder that holds something else is left as it is', async t => {
  const dataDir = await folder(t)
  await mkdir(join(dataDir, 'db'))
  await writeFile(join(dataDir, 'db', 'notes.txt'), 'mine')
  t.match(await refusal({ dataDir }), /db can not be opened: the folder holds files, but no database/)
  t.strictSame(await readdir(join(dataDir, 'db')), ['notes.txt'])
})

t.test('with a URL it is a pool on that server', async t => {
  const { log, lines } = listeningLog()
  const database = await openDatabase({ databaseUrl: await createTestDatabase(t, { empty: true }), dataDir: '/nowhere', log })
  t.equal(database.kind, 'postgres')
  const pids = await Promise.all([1, 2].map(async () => (await sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.05)`.execute(database.db)).rows[0]?.pid))
  t.not(pids[0], pids[1], 'two queries at once use two connections')
  t.match(lines.join(), /PostgreSQL connected/)
  await Promise.all([database.close(), database.close()])
})

t.test('a lost idle connection is logged and replaced', async t => {
  const { log, lines } = listeningLog()
  const database = await openDatabase({ databaseUrl: await createTestDatabase(t, { empty: true }), dataDir: '/nowhere', log })
  t.teardown(database.close)
  await Promise.all([
    sql`select pg_sleep(0.05)`.execute(database.db),
    sql`select pg_sleep(0.05)`.execute(database.db)
  ])
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.execute(database.db)
  for (const deadline = Date.now() + 5_000; !lines.includes('a database connection was lost') && Date.now() < deadline;) {
    t.strictSame((await sql`select 1 as one`.execute(database.db)).rows, [{ one: 1 }])
  }
  t.ok(lines.includes('a database connection was lost'))
})

t.test('what can not be used is refused in words that help, without the password', async t => {
  const cases: [string, RegExp][] = [
    ['postgres://berth:secret@127.0.0.1:1/berth', /^No connection to postgres:\/\/berth@127\.0\.0\.1:1\/berth: .*ECONNREFUSED/],
    ['postgres://berth:secret@no-such-host.invalid/berth', /^No connection to postgres:\/\/berth@no-such-host\.invalid\/berth: /],
    ['mysql://berth:secret@127.0.0.1/berth', /must begin with postgres:\/\/.*it is mysql:\/\/berth@127\.0\.0\.1\/berth/],
    ['secret', /must begin with postgres:\/\/.*not a URL/],
    [await startOldPostgres(t, '140012'), /is PostgreSQL 14; version 15 or newer is needed$/],
    [await startOldPostgres(t, '150001', 'LATIN1'), /has the encoding LATIN1; UTF8 is needed$/]
  ]
  for (const [databaseUrl, words] of cases) {
    const message = await refusal({ databaseUrl })
    t.match(message, words)
    t.notMatch(message, /secret/)
  }
  const url = new URL(await createTestDatabase(t, { empty: true }))
  url.pathname = '/no_such_database'
  t.match(await refusal({ databaseUrl: url.href }), /no_such_database/)
})

t.test('a URL is described without its password', async t => {
  t.equal(describeUrl('postgres://me:secret@db.example:5433/berth?sslmode=require'), 'postgres://me@db.example:5433/berth')
  t.equal(describeUrl('postgres://db.example/berth'), 'postgres://db.example/berth')
  t.notMatch(describeUrl('not a url: secret'), /secret/)
})
