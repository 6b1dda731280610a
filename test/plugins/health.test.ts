import t from 'tap'
import { buildTestApp } from '../fixtures/app.ts'

t.test('alive at once, ready when recovery is over, not ready without the database', async t => {
  const { app, call, database } = await buildTestApp(t)
  t.match(app.health.live(), { status: 'ok', version: /^\d+\.\d+\.\d+/ })
  t.match(await app.health.ready(), { status: 'not_ready', database: { kind: 'pglite', ok: true }, recovery: { state: 'pending' } })
  t.equal((await call('GET', '/readyz')).status, 503)
  await app.recovery.run()
  t.match(await app.health.ready(), { status: 'ready', recovery: { state: 'done', detail: 'nothing to recover' } })
  t.equal((await call('GET', '/readyz')).status, 200)
  await database.close()
  t.match(await app.health.ready(), { status: 'not_ready', database: { ok: false } })
  t.equal((await call('GET', '/readyz')).status, 503)
  t.equal((await call('GET', '/healthz')).status, 200)
})
