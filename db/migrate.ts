/** Brings a database to the newest schema; run directly it is the command `npm run db:migrate`. */
import { sql } from 'kysely'
import { DEFAULT_MIGRATION_TABLE, Migrator, type MigrationProvider } from 'kysely/migration'
import { pino } from 'pino'
import { openDatabase, type DatabaseKind, type Db } from './client.ts'
import { dataDirOf } from './data-dir.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { migrations } from './migrations/index.ts'

const provider: MigrationProvider = { getMigrations: async () => migrations }

/** A migration failed, or the database was made by a newer version. Nothing of the failed run is kept. */
export class MigrationFailed extends Error {
  override name = 'MigrationFailed'
}

function failure (error: unknown, migration: string | undefined, kind: DatabaseKind): MigrationFailed {
  const name = kind === 'pglite' ? 'the embedded database' : 'the PostgreSQL database'
  const why = error instanceof Error ? error.message : String(error)
  const what = migration === undefined ? `The schema of ${name} can not be migrated` : `Migration ${migration} of ${name} failed`
  return new MigrationFailed(`${what}: ${why}`, { cause: error })
}

/** Whether exactly the migrations of this version have run. Two quick queries; the migrator reads the whole catalogue. */
async function isUpToDate (db: Db): Promise<boolean> {
  const { rows: [found] } = await sql<{ exists: boolean }>`select to_regclass(${DEFAULT_MIGRATION_TABLE}) is not null as exists`.execute(db)
  if (found?.exists !== true) return false
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db)
  const names = Object.keys(migrations)
  return rows.length === names.length && rows.every(({ name }) => names.includes(name))
}

/**
 * Runs every migration that has not run yet, all in one transaction. Of several runners at once one
 * works and the others wait: Kysely's migrator holds an advisory lock on its own connection.
 * @returns names of the migrations this call applied, oldest first
 * @throws MigrationFailed
 */
export async function migrateToLatest (db: Db, kind: DatabaseKind): Promise<string[]> {
  if (await isUpToDate(db)) return []
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest()
  const failed = results.find(result => result.status === 'Error')
  if (error !== undefined || failed !== undefined) throw failure(error, failed?.migrationName, kind)
  return results.map(result => result.migrationName)
}

async function main (): Promise<void> {
  const log = pino({ level: process.env.LOG_LEVEL || 'info' }, pino.destination(2))
  const dataDir = dataDirOf(process.env.BERTH_DATA_DIR)
  // Only the embedded database is touched by what else runs on this data dir.
  const lock = process.env.DATABASE_URL ? null : await lockDataDir(dataDir)
  try {
    const database = await openDatabase({ databaseUrl: process.env.DATABASE_URL, dataDir, log })
    try {
      const applied = await migrateToLatest(database.db, database.kind)
      console.log(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`)
    } finally {
      await database.close()
    }
  } finally {
    await lock?.release()
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
