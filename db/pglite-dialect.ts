/** Kysely's PostgreSQL dialect over PGlite: one session in a worker thread, spoken to by `pg` itself. */
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { HearingSession } from './notifications.ts'
import { PgliteSocket, PgliteThread, type PgliteConnection } from './pglite-thread.ts'
import { SessionMutex } from './session-mutex.ts'

export interface PgliteOptions {
  /** Folder of the data, made when missing; null keeps everything in memory. */
  dataDir: string | null
  /** File made by `PgliteSession.dump`: what a new database begins as. */
  snapshot?: string | null
  /** How long a query waits for the one session before it is refused. */
  acquireTimeoutMs?: number
  /** Called once when the thread ends on its own; every query fails from then on. */
  onCrash?: (error: Error) => void
}

/** The open embedded database: a pool of exactly one connection. */
export interface PgliteSession extends PostgresPool, HearingSession {
  /** The whole database as a tar archive, to start others from. */
  dump(): Promise<Uint8Array>
}

// Long enough for a queue of thousands of ordinary queries, short enough to tell a deadlock from load.
const defaultAcquireTimeoutMs = 30_000
// A transaction that is still open when the service closes gets this long to end.
const closeGraceMs = 5_000

/**
 * Opens PGlite in a worker thread and connects `pg` to it.
 * @throws when the data can not be opened; the message says why
 */
export async function openPglite (options: PgliteOptions): Promise<PgliteSession> {
  const thread = new PgliteThread({ dataDir: options.dataDir, snapshot: options.snapshot ?? null })
  await thread.expect('ready')
  return await openSession(thread, options)
}

/** Connects `pg` to an embedded database that is ready, wherever it runs. */
export async function openSession (thread: PgliteConnection, options: Pick<PgliteOptions, 'acquireTimeoutMs' | 'onCrash'> = {}): Promise<PgliteSession> {
  const mutex = new SessionMutex(options.acquireTimeoutMs ?? defaultAcquireTimeoutMs)
  // `ssl` is named because PGSSLMODE in the environment would otherwise decide.
  const client = new pg.Client({ stream: () => new PgliteSocket(thread), user: 'postgres', database: 'postgres', password: '', ssl: false })
  client.once('error', error => options.onCrash?.(thread.failure ?? error))
  client.on('error', () => {}) // `pg` reports the end of a connection twice
  await client.connect()

  const lend = (): PostgresPoolClient => {
    let released = false
    return {
      query: client.query.bind(client) as PostgresPoolClient['query'],
      release: () => {
        if (released) return
        released = true
        mutex.release()
      }
    }
  }
  return {
    options: {},
    async connect () {
      await mutex.acquire()
      if (thread.failure === null) return lend()
      mutex.release()
      throw thread.failure
    },
    async end () {
      await mutex.close(closeGraceMs)
      if (thread.failure === null) await client.end()
      await thread.close()
    },
    async run (statement) {
      await mutex.acquire()
      try {
        await client.query(statement)
      } finally {
        mutex.release()
      }
    },
    onNotification (heard) {
      const onNotification = ({ channel, payload = '' }: pg.Notification): void => heard(channel, payload)
      client.on('notification', onNotification)
      return () => { client.off('notification', onNotification) }
    },
    async dump () {
      await mutex.acquire()
      try {
        thread.send({ type: 'dump' })
        const message = await thread.expect('dumped')
        return message.type === 'dumped' ? message.bytes : new Uint8Array()
      } finally {
        mutex.release()
      }
    }
  }
}

/** The dialect for an open session; destroying the Kysely instance closes the session. */
export function createPgliteDialect (session: PgliteSession): PostgresDialect {
  return new PostgresDialect({ pool: session })
}
