/** The numbers of a cleanup policy, as the database reads them: what makes no sense does not count. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { cleanupPolicyNumber } from '../../db/cleanup-policy.ts'
import { onBothDatabases } from '../fixtures/database.ts'

const table: [unknown, number | null][] = [
  [{ retainLogDays: 7 }, 7], [{ retainLogDays: 0 }, 0], [{ retainLogDays: 0.5 }, 0.5], [{ retainLogDays: 36_500 }, 36_500],
  [{ retainLogDays: -1 }, null], [{ retainLogDays: 36_501 }, null], [{ retainLogDays: 1e300 }, null], [{ retainLogDays: '7' }, null],
  [{ retainLogDays: null }, null], [{ retainRescueDays: 7 }, null], [{}, null], [null, null], ['x', null], [[7], null]
]

await onBothDatabases(t, 'what is no number within its limits is null', async (t, { db }) => {
  const companyId = randomUUID()
  await db.insertInto('companies').values({ id: companyId, name: 'Example Company' }).execute()
  for (const [cleanupPolicy, expected] of table) {
    const id = randomUUID()
    await db.insertInto('projects').values({ id, company_id: companyId, name: 'Project', execution_workspace_policy: JSON.stringify({ cleanupPolicy }) }).execute()
    const row = await db.selectFrom('projects as p').select(cleanupPolicyNumber('retainLogDays').as('days')).where('p.id', '=', id).executeTakeFirstOrThrow()
    t.equal(row.days, expected, JSON.stringify(cleanupPolicy))
  }
})
