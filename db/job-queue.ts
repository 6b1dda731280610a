/** Queues of jobs in the database (pg-boss, schema `pgboss`), over the connections that are open anyway. */
import type { Db as BossDb, PgBoss } from 'pg-boss'
import { CompiledQuery } from 'kysely'
import type { Database, DatabaseLog, Db } from './client.ts'

export interface Job<Data extends object> {
  id: string
  /** How often it was given back, or taken away from who had it too long. */
  retryCount: number
  data: Data
}

export interface NewJob<Data extends object> {
  data: Data
  /** `take` can bound how many jobs of one group run at once. */
  group: string
  /** Not before this time; null for at once. */
  startAfter: Date | null
  /** In a queue with one job per key: not added while another of this key waits. */
  key?: string
}

export interface JobQueue<Data extends object> {
  /** Adds jobs in the transaction of what they are about. */
  add (trx: Db, jobs: readonly NewJob<Data>[]): Promise<void>
  /** Takes jobs that are due, at most `perGroup` of a group running at once on all hosts. */
  take (limits: { limit: number, perGroup: number }): Promise<Job<Data>[]>
  /** A taken job is done; in the transaction of what it did. */
  finish (trx: Db, job: Job<Data>): Promise<void>
  /** A taken job could not be done: somebody may take it at once. */
  giveBack (job: Job<Data>): Promise<void>
}

export interface QueueOptions {
  /** A job that somebody has for longer is given to somebody else. */
  expireInSeconds: number
  /** At most one job of each key waits. It holds for the life of the queue. */
  onePerKey?: boolean
}

export interface JobQueues {
  /**
   * Opens a queue, with the first one the schema too: pg-boss installs or migrates it.
   */
  open<Data extends object> (name: string, options: QueueOptions): Promise<JobQueue<Data>>
  /** Lets go of everything; jobs that are still taken come back when their time is up. */
  close (): Promise<void>
}

// How soon jobs of a process that was killed are noticed. One pass costs a few statements.
const superviseEverySec = 30
// A job is given back when a process ends in the middle of it, which may happen any number of times.
const retryLimit = 1_000
// Nothing looks at jobs that are done.
const keepFinishedSec = 60

/** Loading it costs 100 ms and 25 MB, so only who has jobs does. */
async function createBoss ({ kind, runText }: Database, log: DatabaseLog): Promise<PgBoss> {
  const { PgBoss } = await import('pg-boss')
  const db: BossDb = { executeSql: async (text, values) => await runText(text, values) }
  const boss = new PgBoss({
    db,
    backend: kind === 'pglite' ? 'pglite' : 'postgres',
    schema: 'pgboss',
    superviseIntervalSeconds: superviseEverySec,
    monitorIntervalSeconds: superviseEverySec,
    // Its cron knows minutes only, and looking for what is due costs a statement every few seconds: `services/operations/scheduled-work.ts`.
    schedule: false,
    // Small tables, and one embedded session that has better things to do.
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
    openTelemetry: { enabled: false }
  })
  boss.on('error', error => log.warn({ err: error }, 'the job queue had an error'))
  boss.on('warning', warning => log.warn({ warning }, 'the job queue warns'))
  return boss
}

/** Nothing is started before the first queue is opened. */
export function createJobQueues (database: Database, log: DatabaseLog): JobQueues {
  let boss: PgBoss | null = null
  let starting: Promise<PgBoss> | null = null

  async function start (): Promise<PgBoss> {
    boss ??= await createBoss(database, log)
    try {
      return await boss.start()
    } catch (error) {
      // The next one who asks tries again.
      starting = null
      throw error
    }
  }

  return {
    async open<Data extends object> (name: string, { expireInSeconds, onePerKey = false }: QueueOptions) {
      const started = await (starting ??= start())
      const options = { expireInSeconds, retryLimit, retryDelay: 0, deleteAfterSeconds: keepFinishedSec }
      await started.createQueue(name, { ...options, policy: onePerKey ? 'short' : 'standard' })
      await started.updateQueue(name, options)
      // What a process that was killed had taken comes back now, not at the next regular look.
      await started.supervise(name)
      return queueOf<Data>(started, name)
    },
    async close () {
      await starting?.catch(() => {}) // who asked for it was told
      await boss?.stop({ close: false, graceful: true, timeout: 1_000 })
    }
  }
}

/** Statements inside a transaction that is not pg-boss's own. */
function within (trx: Db): { db: BossDb } {
  return {
    db: {
      async executeSql (text, values = []) {
        const { rows } = await trx.executeQuery(CompiledQuery.raw(text, [...values]))
        return { rows }
      }
    }
  }
}

function queueOf<Data extends object> (boss: PgBoss, name: string): JobQueue<Data> {
  return {
    async add (trx, jobs) {
      if (jobs.length === 0) return
      const rows = jobs.map(({ data, group, startAfter, key }) => ({ data, group: { id: group }, ...(key === undefined ? {} : { singletonKey: key }), ...(startAfter === null ? {} : { startAfter }) }))
      await boss.insert(name, rows, within(trx))
    },
    async take ({ limit, perGroup }) {
      return await boss.fetch<Data>(name, { batchSize: limit, groupConcurrency: perGroup })
    },
    async finish (trx, { id, retryCount }) {
      await boss.complete(name, { id, retryCount }, null, within(trx))
    },
    async giveBack ({ id, retryCount }) {
      await boss.fail(name, { id, retryCount })
    }
  }
}
