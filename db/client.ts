/** Opens the database: embedded PGlite in the data dir, or a `pg` pool when there is a URL. */
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CompiledQuery, Kysely, PostgresDialect, sql, type DatabaseConnection } from 'kysely'
import pg from 'pg'
import type { BaseLogger } from 'pino'
import { listenByConnection, listenBySession, type Listen } from './notifications.ts'
import { createPgliteDialect, openPglite, type PgliteSession } from './pglite-dialect.ts'
import { preparingClient } from './prepared-client.ts'
import { runTextOn, type RunText } from './raw-statements.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>
export type DatabaseKind = 'pglite' | 'postgres'
export type DatabaseLog = Pick<BaseLogger, 'info' | 'warn' | 'error'>

export interface Database {
  db: Db
  kind: DatabaseKind
  /** Hears what transactions notify, of this process and of others; close it before the database. */
  listen: Listen
  /** For libraries that bring their own SQL. */
  runText: RunText
  /** Ends every connection; the embedded database is closed in an orderly way. Safe to call twice. */
  close(): Promise<void>
}

export interface OpenDatabaseOptions {
  /** `postgres://…`; absent or empty: the embedded database in `dataDir`. */
  databaseUrl?: string | null | undefined
  /** The data dir, locked by the caller; the embedded database lives in its folder `db`. */
  dataDir: string
  log: DatabaseLog
}

// `on delete set null (column)` came with this version.
const minimumPostgresMajor = 15
// A server that is there answers in milliseconds; one that is not must not hold up the start for minutes.
const connectTimeoutMs = 10_000
// Requests are short; more connections than this only queue inside the server.
const maxConnections = 20

// The embedded database has these; with others of a server's, texts of times would differ or not be understood.
const sessionSettings = "select set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false)"

/** The database can not be used; the message is for the person who starts the service. */
export class DatabaseUnusable extends Error {
  override name = 'DatabaseUnusable'
}

/** A database URL without its password, for logs and messages. */
export function describeUrl (databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl)
    return `${url.protocol}//${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`
  } catch {
    return 'the database URL (which is not a URL)'
  }
}

function closeOnce (db: Db): () => Promise<void> {
  let closing: Promise<void> | null = null
  return () => (closing ??= db.destroy())
}

function reason (error: unknown): string {
  // A refused connection to a name with two addresses is an AggregateError without a message.
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/**
 * Makes a new embedded database beside its place and moves it there when it is complete: a kill
 * half way leaves nothing that looks like a database.
 */
async function prepareFolder (folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await readdir(folder)
  if (names.includes('PG_VERSION')) return
  if (names.length > 0) throw new Error('the folder holds files, but no database')
  const draft = `${folder}.new`
  await rm(draft, { recursive: true, force: true })
  const session = await openPglite({ dataDir: draft })
  await session.end()
  await rmdir(folder)
  await rename(draft, folder)
}

/** The database over an open embedded session, which is closed with it. */
export function embeddedDatabase (session: PgliteSession): Database {
  const db: Db = new Kysely<Tables>({ dialect: createPgliteDialect(session) })
  return { db, kind: 'pglite', listen: listenBySession(session), runText: runTextOn(session), close: closeOnce(db) }
}

async function openEmbedded (dataDir: string, log: DatabaseLog): Promise<Database> {
  const folder = join(dataDir, 'db')
  try {
    await prepareFolder(folder)
    const session = await openPglite({
      dataDir: folder,
      onCrash: error => log.error({ err: error }, 'the embedded database stopped: restart the service')
    })
    log.info({ folder }, 'embedded database open: for this one process; it survives a kill of the process, not a power cut')
    return embeddedDatabase(session)
  } catch (error) {
    throw new DatabaseUnusable(`The embedded database in ${folder} can not be opened: ${reason(error)}`, { cause: error })
  }
}

async function checkServer (db: Db, name: string): Promise<void> {
  const { rows } = await sql<{ version: string, encoding: string }>`
    select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`.execute(db)
  const major = Math.floor(Number(rows[0]?.version) / 10_000)
  if (major < minimumPostgresMajor) {
    throw new DatabaseUnusable(`${name} is PostgreSQL ${major}; version ${minimumPostgresMajor} or newer is needed`)
  }
  if (rows[0]?.encoding !== 'UTF8') {
    throw new DatabaseUnusable(`${name} has the encoding ${rows[0]?.encoding}; UTF8 is needed`)
  }
}

async function openPostgres (databaseUrl: string, log: DatabaseLog): Promise<Database> {
  const name = describeUrl(databaseUrl)
  if (!/^(postgres|postgresql):/.test(databaseUrl)) {
    throw new DatabaseUnusable(`DATABASE_URL must begin with postgres:// or postgresql://; it is ${name}`)
  }
  const pool = new pg.Pool({
    Client: preparingClient(),
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'berth'
  })
  // An idle connection that the server ends is replaced by the pool; without a listener it would end the process.
  pool.on('error', error => log.warn({ err: error }, 'a database connection was lost'))
  const onCreateConnection = async (connection: DatabaseConnection): Promise<void> => {
    await connection.executeQuery(CompiledQuery.raw(sessionSettings))
  }
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool, onCreateConnection }) })
  const close = closeOnce(db)
  try {
    await checkServer(db, name)
  } catch (error) {
    await close()
    if (error instanceof DatabaseUnusable) throw error
    throw new DatabaseUnusable(`No connection to ${name}: ${reason(error)}`, { cause: error })
  }
  log.info({ database: name }, 'PostgreSQL connected')
  return { db, kind: 'postgres', listen: listenByConnection(databaseUrl), runText: runTextOn(pool), close }
}

/**
 * Opens the database the configuration asks for. Does not migrate and takes no lock on the data dir.
 * @throws DatabaseUnusable when there is no connection, the server is too old, or the data can not be opened
 */
export async function openDatabase ({ databaseUrl, dataDir, log }: OpenDatabaseOptions): Promise<Database> {
  if (databaseUrl) return await openPostgres(databaseUrl, log)
  return await openEmbedded(dataDir, log)
}
