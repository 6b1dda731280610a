/** The readers of violations, on errors that the databases really throw. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { constraintOf, isForeignKeyViolation, isLostConnection, isUniqueViolation } from '../../db/errors.ts'
import { onBothDatabases } from '../fixtures/database.ts'

await onBothDatabases(t, 'violations are told apart and name their constraint', async (t, { db }) => {
  const company = { id: randomUUID(), name: 'Acme' }
  await db.insertInto('companies').values(company).execute()

  const twice: unknown = await db.insertInto('companies').values(company).execute().catch((error: unknown) => error)
  t.ok(isUniqueViolation(twice))
  t.ok(isUniqueViolation(twice, 'companies_pkey'))
  t.notOk(isUniqueViolation(twice, 'projects_pkey'))
  t.notOk(isForeignKeyViolation(twice))
  t.equal(constraintOf(twice), 'companies_pkey')

  const orphan: unknown = await db.insertInto('projects').values({ id: randomUUID(), company_id: randomUUID(), name: 'Lost' })
    .execute().catch((error: unknown) => error)
  t.ok(isForeignKeyViolation(orphan))
  t.ok(isForeignKeyViolation(orphan, 'projects_company_id_fkey'))
  t.notOk(isUniqueViolation(orphan))

  await db.insertInto('projects').values({ id: randomUUID(), company_id: company.id, name: 'Used' }).execute()
  const used: unknown = await db.deleteFrom('companies').execute().catch((error: unknown) => error)
  t.ok(isForeignKeyViolation(used), 'deleting what is referred to is one too')
})

t.test('an error that is no violation has no constraint', async t => {
  t.equal(constraintOf(new Error('no')), null)
  t.equal(constraintOf({ code: '23505', constraint: 'x' }), null)
  t.notOk(isUniqueViolation(null))
  t.notOk(isForeignKeyViolation(Object.assign(new Error('no'), { code: 23503 })))
})

t.test('a connection that is lost is told from all else', async t => {
  for (const code of ['ECONNREFUSED', 'ETIMEDOUT', '57P01', '57P03', '08006', '53300']) t.ok(isLostConnection(Object.assign(new Error('no'), { code })), code)
  for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect']) t.ok(isLostConnection(new Error(message)), message)
  for (const other of [Object.assign(new Error('no'), { code: '23505' }), Object.assign(new Error('Connection terminated'), { code: 'ENOENT' }), new Error('no'), null]) t.notOk(isLostConnection(other))
})
