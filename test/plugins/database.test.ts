/** The app opens, migrates and closes its own database, and leaves a given one open. */
import { sql } from 'kysely'
import t from 'tap'
import { buildApp } from '../../app.ts'
import { configWith } from '../../plugins/config.ts'
import { openTestDatabase } from '../fixtures/database.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

t.test('without a database the app opens the embedded one, migrated, and closes it', async t => {
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent' }))
  await app.ready()
  t.equal(app.database.kind, 'pglite')
  t.same((await app.inject('/api/companies')).json(), [])
  const { db } = app.database
  await app.close()
  await t.rejects(sql`select 1`.execute(db))
})

t.test('a given database stays open when the app closes', async t => {
  const { database } = await openTestDatabase(t, 'pglite')
  const app = await buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent' }), { database })
  await app.ready()
  await app.close()
  t.equal((await sql`select 1`.execute(database.db)).rows.length, 1)
})

t.test('a database that can not be reached is told when the app gets ready, without the password', async t => {
  const app = buildApp(configWith({ dataDir: await temporaryFolder(t), logLevel: 'silent', databaseUrl: 'postgres://me:secret@127.0.0.1:1/x' }))
  await t.rejects(app.then(one => one.ready()), { message: /^No connection to postgres:\/\/me@127\.0\.0\.1:1\/x/ })
})
