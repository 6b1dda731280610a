/** Jobs in the database: added with what they are about, taken once, given back, bounded per group. */
import { sql } from 'kysely'
import t from 'tap'
import { createJobQueues, type Job } from '../../db/job-queue.ts'
import { onBothDatabases, silentLog } from '../fixtures/database.ts'

interface Data { n: number }

const numbers = (jobs: Job<Data>[]): number[] => jobs.map(({ data }) => data.n).sort()

onBothDatabases(t, 'a queue of jobs', async (t, { db, database }) => {
  const queues = createJobQueues(database, silentLog)
  t.teardown(() => queues.close())
  const { rows: [before] } = await sql<{ there: boolean }>`select to_regnamespace('pgboss') is not null as there`.execute(db)
  t.equal(before?.there, false, 'nothing is installed before the first queue is opened')
  const [queue, same] = await Promise.all([
    queues.open<Data>('numbers', { expireInSeconds: 30 }),
    queues.open<Data>('numbers', { expireInSeconds: 30 })
  ])
  const job = (n: number, group = 'a', startAfter: Date | null = null) => ({ data: { n }, group, startAfter })

  await t.rejects(db.transaction().execute(async trx => {
    await queue.add(trx, [job(1)])
    throw new Error('not after all')
  }), /not after all/)
  t.same(await queue.take({ limit: 10, perGroup: 10 }), [], 'a job of a transaction that was rolled back is not there')

  await db.transaction().execute(async trx => { await queue.add(trx, [job(2), job(3), job(4), job(5, 'b'), job(6, 'b', new Date(Date.now() + 3_600_000))]) })
  const first = await queue.take({ limit: 10, perGroup: 2 })
  const ofA = first.filter(({ data }) => data.n < 5)
  t.same([ofA.length, first.length, numbers(first).includes(5)], [2, 3, true], 'two of one group, and those of another; not what is for later')
  t.same(await same.take({ limit: 10, perGroup: 2 }), [], 'what is taken is taken')

  const [one, other] = ofA
  if (one === undefined || other === undefined) throw new Error('two were taken')
  await queue.giveBack(one)
  const [next] = await queue.take({ limit: 1, perGroup: 2 })
  t.ok(next !== undefined && next.data.n !== other.data.n, 'what is given back makes room')
  await db.transaction().execute(async trx => { await queue.finish(trx, other) })
  const [last] = await queue.take({ limit: 10, perGroup: 2 })
  t.same([next?.data.n ?? 0, other.data.n, last?.data.n ?? 0].sort(), [2, 3, 4], 'what is done too; each was taken once in the end')

  await t.rejects(database.runText('begin; select 1; select nonsense; commit'), /nonsense/)
  t.same((await database.runText('begin; select 1 as a; select 2 as a; commit')).rows, [{ a: 1 }, { a: 2 }], 'a text of several statements gives all their rows')
  t.equal((await sql<{ id: string }>`select pg_current_xact_id_if_assigned() as id`.execute(db)).rows.length, 1, 'the connection is of use after an error')
})
