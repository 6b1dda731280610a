/** The embedded database as Kysely sees it: one session, shared without mixing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import t, { type Test } from 'tap'
import { createPgliteDialect, openPglite, type PgliteOptions } from '../../db/pglite-dialect.ts'
import { SessionAcquireTimeout } from '../../db/session-mutex.ts'
import { pgliteSnapshot } from '../fixtures/database.ts'

interface Notes { notes: { id: number, text: string } }

async function open (t: Test, options: Partial<PgliteOptions> = {}): Promise<Kysely<Notes>> {
  const session = await openPglite({ dataDir: null, snapshot: await pgliteSnapshot(), ...options })
  const db = new Kysely<Notes>({ dialect: createPgliteDialect(session) })
  t.teardown(() => db.destroy())
  await sql`create table notes (id int primary key, text text not null)`.execute(db)
  return db
}

const failed = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => t.fail('it did not fail'), (error: unknown) => error)

t.test('one session, shared', async t => {
  const db = await open(t)
  const texts = async (): Promise<string[]> => (await db.selectFrom('notes').select('text').orderBy('id').execute()).map(row => row.text)
  t.beforeEach(async () => { await db.deleteFrom('notes').execute() })

  await t.test('a query from outside waits until the transaction has ended, and sees all of it', async t => {
    let seen: Promise<string[]> | undefined
    await db.transaction().execute(async trx => {
      await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute()
      seen = texts()
      await trx.insertInto('notes').values({ id: 2, text: 'b' }).execute()
    })
    t.strictSame(await seen, ['a', 'b'])
  })

  await t.test('a transaction that throws leaves nothing', async t => {
    const error = await failed(db.transaction().execute(async trx => {
      await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute()
      throw new Error('changed my mind')
    }))
    t.match(error, { message: 'changed my mind' })
    t.strictSame(await texts(), [])
  })

  await t.test('twenty transactions at once, each read then write, lose no update', async t => {
    await db.insertInto('notes').values({ id: 1, text: '0' }).execute()
    await Promise.all(Array.from({ length: 20 }, () => db.transaction().execute(async trx => {
      const { text } = await trx.selectFrom('notes').select('text').executeTakeFirstOrThrow()
      await trx.updateTable('notes').set({ text: String(Number(text) + 1) }).execute()
    })))
    t.strictSame(await texts(), ['20'])
  })

  await t.test('an error behind a savepoint costs only what came after the savepoint', async t => {
    const trx = await db.startTransaction().execute()
    await trx.insertInto('notes').values({ id: 1, text: 'kept' }).execute()
    const point = await trx.savepoint('before').execute()
    await failed(point.insertInto('notes').values({ id: 1, text: 'twice' }).execute())
    await point.rollbackToSavepoint('before').execute()
    await point.insertInto('notes').values({ id: 2, text: 'after' }).execute()
    await point.releaseSavepoint('before').execute()
    await trx.commit().execute()
    t.strictSame(await texts(), ['kept', 'after'])
  })

  await t.test('an error swallowed in a transaction makes its commit fail, not roll back silently', async t => {
    await t.rejects(db.transaction().execute(async trx => {
      await trx.insertInto('notes').values({ id: 1, text: 'lost' }).execute()
      await failed(sql`select 1 / 0`.execute(trx))
    }))
    t.strictSame(await texts(), [])
    t.strictSame((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }], 'the session goes on')
  })

  await t.test('the session goes on after an error in each way of asking', async t => {
    t.match(await failed(sql`select ${'no number'}::int`.execute(db)), { code: '22P02' })
    t.match(await failed(sql.raw('selec 1').execute(db)), { code: '42601' })
    t.match(await failed(sql`select * from nowhere`.execute(db)), { code: '42P01' })
    t.match(await failed(sql`select ${'a\0b'}::text`.execute(db)), { code: '22021' })
    t.strictSame((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }])
  })

  await t.test('large values and many rows come through whole', async t => {
    const large = 'ä'.repeat(3_000_000)
    await db.insertInto('notes').values({ id: 1, text: large }).execute()
    t.ok((await db.selectFrom('notes').select('text').executeTakeFirstOrThrow()).text === large)
    const { rows } = await sql<{ n: number }>`select n from generate_series(1, 50000) n`.execute(db)
    t.equal(rows.length, 50_000)
    t.equal(rows.at(-1)?.n, 50_000)
    t.equal((await db.deleteFrom('notes').executeTakeFirst()).numDeletedRows, 1n)
  })

  await t.test('queries leave the event loop free', async t => {
    let ticks = 0
    const timer = setInterval(() => { ticks++ }, 1)
    for (let i = 0; i < 300; i++) await sql`select ${i}::int`.execute(db)
    clearInterval(timer)
    t.ok(ticks > 10, `${ticks} timers fired while 300 queries ran one after the other`)
  })
})

t.test('a query on db inside a transaction is refused after the acquire time, and the transaction goes on', async t => {
  const db = await open(t, { acquireTimeoutMs: 50 })
  await db.transaction().execute(async trx => {
    t.ok(await failed(db.selectFrom('notes').selectAll().execute()) instanceof SessionAcquireTimeout)
    await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute()
  })
  t.equal((await db.selectFrom('notes').selectAll().execute()).length, 1)
})

t.test('what was written is there after closing and opening again', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-pglite-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'db')
  const first = await open(t, { dataDir })
  await first.insertInto('notes').values({ id: 1, text: 'still here' }).execute()
  await first.destroy()
  await t.rejects(first.selectFrom('notes').selectAll().execute(), 'closed means closed')
  const again = new Kysely<Notes>({ dialect: createPgliteDialect(await openPglite({ dataDir })) })
  t.teardown(() => again.destroy())
  t.strictSame(await again.selectFrom('notes').selectAll().execute(), [{ id: 1, text: 'still here' }])
})

t.test('data that is none is an error that says so, and leaves no thread behind', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-pglite-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'PG_VERSION'), 'nonsense\n')
  await t.rejects(openPglite({ dataDir: folder }), { message: /^The embedded database stopped: / })
  await t.rejects(openPglite({ dataDir: null, snapshot: join(folder, 'missing.tar') }), { message: /ENOENT/ })
})
