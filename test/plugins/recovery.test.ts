import t from 'tap'
import { buildTestApp } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'

t.test('the server listens first and recovers in the background; /readyz says when it is done', async t => {
  const { app, call } = await buildTestApp(t)
  t.match(await call('GET', '/readyz'), { status: 503, body: { status: 'not_ready', recovery: { state: 'pending', report: null } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await eventually(async () => (await call('GET', '/readyz')).status === 200, 'the service is ready')
  t.match((await call('GET', '/readyz')).body.recovery, { state: 'done', detail: 'nothing to recover', report: { operationsInterrupted: 0, servicesAdopted: 0, problems: [] } })
})
