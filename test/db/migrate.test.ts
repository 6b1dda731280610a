/** Migrations: once, by one runner, forwards and back. */
import { spawn } from 'node:child_process'
import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { Migrator, NO_MIGRATIONS } from 'kysely/migration'
import t from 'tap'
import { openDatabase, type Db } from '../../db/client.ts'
import { lockDataDir } from '../../db/data-dir-lock.ts'
import { MigrationFailed, migrateToLatest } from '../../db/migrate.ts'
import { migrations } from '../../db/migrations/index.ts'
import { createTestDatabase, onBothDatabases } from '../fixtures/database.ts'
import { silentLog } from '../fixtures/silent-log.ts'
import { checkout } from '../fixtures/state-dir.ts'

const all = Object.keys(migrations)

const tables = async (db: Db): Promise<string[]> => (await sql<{ name: string }>`
  select table_name as name from information_schema.tables where table_schema = 'public' and table_name not like 'kysely_%'`.execute(db))
  .rows.map(({ name }) => name)

t.test('every migration file is registered, under its name and in order', async t => {
  const files = (await readdir(join(checkout, 'db/migrations'))).filter(name => /^\d/.test(name)).map(name => name.replace(/\.ts$/, ''))
  t.strictSame(all, files.sort())
})

t.test('of two runners at once on an empty database one migrates and the other finds it done', async t => {
  const url = await createTestDatabase(t, { empty: true })
  const databases = await Promise.all([1, 2, 3].map(() => openDatabase({ databaseUrl: url, dataDir: '/nowhere', log: silentLog })))
  for (const { close } of databases) t.teardown(close)
  const applied = await Promise.all(databases.map(({ db, kind }) => migrateToLatest(db, kind)))
  t.strictSame(applied.flat(), all)
  t.equal(applied.filter(names => names.length > 0).length, 1)
})

await onBothDatabases(t, 'migrating back removes every table, and forwards makes them again', async (t, { db, kind }) => {
  const before = await tables(db)
  t.ok(before.length >= 16)
  t.strictSame(await migrateToLatest(db, kind), [], 'nothing is left to do')
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateTo(NO_MIGRATIONS)
  t.equal(error, undefined)
  t.strictSame(await tables(db), [])
  t.strictSame(await migrateToLatest(db, kind), all)
  t.strictSame((await tables(db)).sort(), before.sort())
})

await onBothDatabases(t, 'a database of a newer version is refused', async (t, { db, kind }) => {
  await sql`insert into kysely_migration (name, timestamp) values ('9999-future', 'now')`.execute(db)
  const error: unknown = await migrateToLatest(db, kind).catch((error: unknown) => error)
  t.ok(error instanceof MigrationFailed)
  t.match(String(error), /9999-future/)
})

/** Runs `node db/migrate.ts` with the environment given. */
async function command (env: Record<string, string>): Promise<{ code: number | null, out: string, err: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../db/migrate.ts', import.meta.url))],
    { env: { PATH: process.env.PATH, LOG_LEVEL: 'silent', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const code = new Promise<number | null>(resolve => child.on('exit', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, out, err }
}

t.test('the command migrates the database of DATABASE_URL and says what it did', async t => {
  const env = { DATABASE_URL: await createTestDatabase(t, { empty: true }), BERTH_DATA_DIR: '/nowhere/at/all' }
  t.match(await command(env), { code: 0, out: `Applied: ${all.join(', ')}\n`, err: '' })
  t.match(await command(env), { code: 0, out: 'The schema is up to date.\n', err: '' })
  await t.rejects(access('/nowhere'), 'the data dir is not touched')
  t.match(await command({ DATABASE_URL: 'postgres://a:secret@127.0.0.1:1/b' }), { code: 1, out: '', err: /^No connection to postgres:\/\/a@127/ })
})

t.test('the command refuses the embedded database of a running service', async t => {
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-migrate-'))
  t.teardown(() => rm(dataDir, { recursive: true, force: true }))
  const lock = await lockDataDir(dataDir)
  t.match(await command({ BERTH_DATA_DIR: dataDir }), { code: 1, out: '', err: new RegExp(`in use by process ${process.pid} `) })
  t.notOk((await readdir(dataDir)).includes('db'))
  await lock.release()
})
