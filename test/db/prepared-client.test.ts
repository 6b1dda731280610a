import pg from 'pg'
import t from 'tap'
import { createStatementNames, preparingClient } from '../../db/prepared-client.ts'
import { createTestDatabase } from '../fixtures/database.ts'

t.test('a statement has one name, another text another; beyond the limit there is none', async t => {
  const names = createStatementNames(2)
  const [first, second] = [names.nameOf('select $1'), names.nameOf('select $1, 2')]
  t.type(first, 'string')
  t.not(first, second)
  t.equal(names.nameOf('select $1'), first)
  t.equal(names.nameOf('select $1, 3'), undefined)
  names.renew()
  t.not(names.nameOf('select $1'), first)
})

t.test('statements with parameters are prepared once a connection, others are not', async t => {
  const Client = preparingClient()
  const client = new Client({ connectionString: await createTestDatabase(t, { empty: true }) })
  await client.connect()
  t.teardown(async () => await client.end())
  for (const value of [1, 2, 3]) t.same((await client.query('select $1::int as value', [value])).rows, [{ value }])
  t.same((await client.query('select 4 as value')).rows, [{ value: 4 }])
  t.same((await client.query({ text: 'select $1::int as value', values: [5] })).rows, [{ value: 5 }])
  const { rows } = await client.query('select statement, generic_plans + custom_plans as runs from pg_prepared_statements')
  t.same(rows, [{ statement: 'select $1::int as value', runs: '3' }])
})

t.test('a statement whose table was changed under it works again with its next use', async t => {
  const url = await createTestDatabase(t, { empty: true })
  const pool = new pg.Pool({ connectionString: url, max: 1, Client: preparingClient() })
  const client = await pool.connect()
  t.teardown(async () => {
    client.release()
    await pool.end()
  })
  await client.query('create table things (id int)')
  await client.query('insert into things values ($1)', [1])
  t.same((await client.query('select * from things where id = $1', [1])).rows, [{ id: 1 }])
  await client.query("alter table things add column name text default 'one'")
  await t.rejects(client.query('select * from things where id = $1', [1]), { code: '0A000' })
  t.same((await client.query('select * from things where id = $1', [1])).rows, [{ id: 1, name: 'one' }])
})
