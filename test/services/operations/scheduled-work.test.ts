/** Work on a schedule: once for all who would do it, again after a failure, and after somebody was killed in the middle. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import { createJobQueues } from '../../../db/job-queue.ts'
import { createLocks } from '../../../services/operations/locks.ts'
import { startScheduled } from '../../../services/operations/scheduled-work.ts'
import { onBothDatabases, silentLog } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

onBothDatabases(t, 'work on a schedule', async (t, { db, database }) => {
  const queues = createJobQueues(database, silentLog)
  t.teardown(() => queues.close())
  const hostId = randomUUID()
  await upsertHost(db, { id: hostId, name: 'a host', instanceId: randomUUID(), pid: 1, dataDir: '/nowhere' })
  const locks = createLocks({ db, hostId })
  const deps = { db, queues, locks, now: () => new Date() }
  const waiting = async () => Number((await sql<{ count: string }>`select count(*) from pgboss.job where name = 'turns' and state in ('created', 'retry')`.execute(db)).rows[0]?.count)

  const begun: number[] = []
  const failures: unknown[] = []
  let atOnce = 0
  const host = (number: number) => startScheduled(deps, {
    name: 'turns',
    everyMs: 50,
    async work () {
      atOnce++
      begun.push(number)
      t.equal(atOnce, 1, 'one host at a time')
      await new Promise(resolve => setImmediate(resolve))
      atOnce--
      if (begun.length === 2) throw new Error('not this time')
    },
    onFailure: error => failures.push(error)
  })
  const stops = [1, 2, 3].map(host)
  await eventually(() => begun.length >= 4, 'it comes round, also after a failure')
  await Promise.all(stops.map(async stop => await stop()))
  t.match(failures, [{ message: 'not this time' }])
  t.equal(await waiting(), 1, 'however many look, one turn waits')

  const queue = await queues.open<object>('turns', { expireInSeconds: 3_600, onePerKey: true })
  await eventually(async () => (await queue.take({ limit: 1, perGroup: 1 })).length === 1, 'somebody has the next turn')
  const before = begun.length
  const stop = host(4)
  await eventually(() => begun.length > before, 'and is killed in it: others go on')
  await stop()
})
