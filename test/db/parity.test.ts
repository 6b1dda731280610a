/** Both databases give the same types and errors. */
import { randomUUID } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import t, { type Test } from 'tap'
import type { Db } from '../../db/client.ts'
import { openTestDatabase } from '../fixtures/database.ts'

const embedded = await openTestDatabase(t, 'pglite')
const server = await openTestDatabase(t, 'postgres')

// What a program may look at. The message's wording and source positions differ between versions.
const errorFields = ['severity', 'code', 'detail', 'schema', 'table', 'column', 'dataType', 'constraint'] as const

/** A statement's result, or its error, with the classes of the values so that a text is not taken for a date. */
async function outcome (db: Db, work: (db: Db) => Promise<unknown>): Promise<unknown> {
  try {
    const value = await work(db)
    return { value, types: Array.isArray(value) ? value.map(typesOf) : typesOf(value) }
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error }
    return {
      error: error.constructor.name,
      ...Object.fromEntries(errorFields.map(field => [field, (error as Error & Record<typeof field, unknown>)[field]]))
    }
  }
}

function typesOf (row: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(row as object).map(([name, value]: [string, unknown]) =>
    [name, value === null ? 'null' : Object(value).constructor.name as string]))
}

const rows = (statement: RawBuilder<unknown>) => async (db: Db): Promise<unknown> => (await statement.execute(db)).rows

/** Runs it on both; the results must be equal. Returns what they were. */
async function same (t: Test, title: string, work: (db: Db) => Promise<unknown>): Promise<Record<string, unknown>> {
  const results = [await outcome(embedded.db, work), await outcome(server.db, work)] as const
  t.strictSame(results[0], results[1], title)
  return results[0] as Record<string, unknown>
}

const literals = [
  '1::int2', '1::int4', '9007199254740993::int8', '1.50::numeric', "'NaN'::numeric", '0.1::float4', '0.1::float8', "'Infinity'::float8", 'true',
  "'ä'::text", "'ab'::varchar(5)", "'ab'::char(5)", "'b2e2d3b4-0000-7000-8000-00000000000f'::uuid", "'\\xdeadbeef'::bytea",
  "'2024-02-29'::date", "'12:34:56.789'::time", "'12:34:56+02'::timetz", "'2024-02-29 12:34:56.789'::timestamp",
  "'2024-02-29 12:34:56.789+02'::timestamptz", "'2024-02-29 12:34:56.789123+02'::timestamptz", "'infinity'::timestamptz",
  "'2024-02-29 12:34:56.789+02'::timestamptz::text", "'1 day 02:03:04'::interval",
  "'{\"a\": [1, 2.5, null, \"ä\"]}'::jsonb", "'[1]'::jsonb", "'null'::jsonb", "'\"text\"'::jsonb", "'{ \"a\" :1}'::json",
  'array[1, 2]', 'array[1::int8]', "array['a', null, 'b,\"c']", "array['2024-02-29 12:34:56+00'::timestamptz]", "'{}'::text[]",
  "array['b2e2d3b4-0000-7000-8000-00000000000f'::uuid]", "array['{}'::jsonb]", 'array[1.5, 2]', "'10.0.0.1/8'::inet", 'null', "'unknown'",
  "row(1, 'a')", 'count(*)', 'sum(1)', 'avg(2)', "to_regclass('companies')", "current_setting('TimeZone')", "current_setting('DateStyle')",
  "current_setting('transaction_isolation')", "current_setting('standard_conforming_strings')", "current_setting('client_encoding')",
  "current_setting('server_encoding')"
]

t.test('a value of every type is read the same', async t => {
  for (const literal of literals) await same(t, literal, rows(sql`select ${sql.raw(literal)} as value`))
})

t.test('a parameter of every type is written the same', async t => {
  const parameters: [unknown, string][] = [
    [1, 'int4'], ['9007199254740993', 'int8'], [9007199254740993n, 'int8'], [1.5, 'numeric'], [true, 'bool'], ['ä', 'text'], ['', 'text'],
    [null, 'text'], [undefined, 'text'], [new Date('2024-02-29T12:34:56.789Z'), 'timestamptz'], [new Date('1970-01-01T00:00:00Z'), 'timestamptz'],
    [Buffer.from([0, 255, 1]), 'bytea'], [['a', null, 'b"\\,'], 'text[]'], [[1, 2], 'int4[]'], [[], 'text[]'], [{ a: ['ä', 1] }, 'jsonb'],
    [JSON.stringify([1, { a: null }]), 'jsonb'], [JSON.stringify('text'), 'jsonb'], [1, 'text'], [12, 'int2'], ['12', 'int4'],
    ['b2e2d3b4-0000-7000-8000-00000000000F', 'uuid']
  ]
  for (const [value, type] of parameters) {
    await same(t, `${type}: ${String(value)}`, rows(sql`select ${value}::${sql.raw(type)} as value`))
  }
})

t.test('errors carry the same code and places', async t => {
  const at = new Date('2024-02-29T12:34:56.789Z')
  const company = { id: randomUUID(), name: 'Acme', created_at: at, updated_at: at }
  for (const { db } of [embedded, server]) await db.insertInto('companies').values(company).execute()
  const project = { id: randomUUID(), company_id: company.id, name: 'Anvils' }
  const issue = { id: randomUUID(), company_id: company.id, title: 'Broken', created_at: at, updated_at: at }
  const failures: [string, string, (db: Db) => Promise<unknown>][] = [
    ['23505', 'unique', db => db.insertInto('companies').values(company).execute()],
    ['23503', 'foreign key', db => db.insertInto('projects').values({ ...project, company_id: project.id }).execute()],
    ['23502', 'not null', db => db.insertInto('companies').values({ ...company, name: sql<string>`null` }).execute()],
    ['23514', 'check', db => db.insertInto('issues').values({ ...issue, status: sql`'unheard of'` }).execute()],
    ['22P02', 'no uuid', db => db.selectFrom('companies').selectAll().where('id', '=', 'abc').execute()],
    ['22P02', 'no JSON', rows(sql`select ${'{'}::jsonb`)],
    ['22021', 'a NUL byte', rows(sql`select ${'a\0b'}::text`)],
    ['22P05', 'a NUL in JSON', rows(sql`select ${'"\\u0000"'}::jsonb::text`)],
    ['22003', 'too large', rows(sql`select ${'99999999999'}::int4`)],
    ['22012', 'division by zero', rows(sql`select 1 / 0`)],
    ['22007', 'no time', rows(sql`select ${'yesterdayish'}::timestamptz`)],
    ['42601', 'syntax', rows(sql`selec 1`)],
    ['42601', 'two statements with a parameter', rows(sql`select ${1}::int; select 2`)],
    ['42P01', 'no table', rows(sql`select * from nowhere`)],
    ['42703', 'no column', rows(sql`select nothing from companies`)],
    ['42P18', 'an array of no type', rows(sql`select array[]`)],
    ['25006', 'a write in a read-only transaction', db => db.transaction().setAccessMode('read only').execute(trx => trx.deleteFrom('issues').execute())]
  ]
  for (const [code, title, work] of failures) t.match(await same(t, title, work), { error: 'DatabaseError', code }, title)
  await same(t, 'a commit after a swallowed error', db => db.transaction().execute(async trx => {
    await sql`select 1 / 0`.execute(trx).catch(() => {}) // swallowed on purpose
  }))
})

t.test('counts of changed rows are the same', async t => {
  const id = randomUUID()
  await same(t, 'insert', db => db.insertInto('companies').values([{ id, name: 'a' }, { id: randomUUID(), name: 'a' }]).execute())
  await same(t, 'insert again', db => db.insertInto('companies').values({ id, name: 'a' }).onConflict(oc => oc.doNothing()).execute())
  await same(t, 'update', db => db.updateTable('companies').set({ name: 'b' }).where('id', '=', id).execute())
  await same(t, 'update returning', db => db.updateTable('companies').set({ name: 'c' }).where('id', '=', id).returning('name').execute())
  await same(t, 'delete', db => db.deleteFrom('companies').where('id', '=', id).execute())
  await same(t, 'delete nothing', db => db.deleteFrom('companies').where('id', '=', id).execute())
})

t.test('times written by the app come back to the millisecond', async t => {
  const at = new Date('2024-02-29T12:34:56.789Z')
  const { value } = await same(t, 'created_at', async db => {
    await db.insertInto('companies').values({ id: '00000000-0000-7000-8000-000000000001', name: 'a', created_at: at, updated_at: at }).execute()
    return await db.selectFrom('companies').selectAll().where('created_at', '=', at).execute()
  })
  t.match(value, [{ created_at: at, updated_at: at }])
})
