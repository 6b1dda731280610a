/** The thread of the embedded database, and what its end looks like from outside. */
import t from 'tap'
import pg from 'pg'
import { PgliteSocket, PgliteThread } from '../../db/pglite-thread.ts'
import { pgliteSnapshot } from '../fixtures/database.ts'

const snapshot = await pgliteSnapshot()

t.test('a thread that ends on its own fails the query it was asked, and everything after', async t => {
  const thread = new PgliteThread({ dataDir: null, snapshot })
  await thread.expect('ready')
  const client = new pg.Client({ stream: () => new PgliteSocket(thread), user: 'postgres', database: 'postgres', password: '', ssl: false })
  const broken: Error[] = []
  client.on('error', error => { broken.push(error) })
  await client.connect()
  t.equal((await client.query<{ one: number }>('select 1 as one')).rows[0]?.one, 1)

  thread.send({ type: 'close' })
  await t.rejects(client.query('select 2'), { message: 'The embedded database stopped: its thread ended with code 0' })
  t.match(broken[0], { message: /stopped/ })
  t.match(thread.failure, { message: /stopped/ })
  t.throws(() => thread.send({ type: 'dump' }), { message: /stopped/ })
  await t.rejects(thread.expect('dumped'), { message: /stopped/ })
  await thread.close()
})

t.test('a thread is closed once, however often it is asked', async t => {
  const thread = new PgliteThread({ dataDir: null, snapshot })
  await thread.expect('ready')
  await Promise.all([thread.close(), thread.close()])
  t.equal(thread.failure, null)
})

t.test('a client that comes after one that left a transaction open begins afresh', async t => {
  const thread = new PgliteThread({ dataDir: null, snapshot })
  t.teardown(() => thread.close())
  await thread.expect('ready')
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ stream: () => new PgliteSocket(thread), user: 'postgres', database: 'postgres', password: '', ssl: false })
    await client.connect()
    return client
  }
  const first = await connect()
  await first.query('begin')
  await first.query('create table left_behind (id int)')
  await first.end()
  const second = await connect()
  t.equal((await second.query<{ found: string | null }>("select to_regclass('left_behind') as found")).rows[0]?.found, null)
  await second.end()
})
