/** While the server listens, leases end by themselves; those that were over before are released at its start. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { buildTestApp } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { lives, runtimeScene } from '../fixtures/runtime.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const runtime = { commands: [{ name: 'own', command: 'exec sleep 60', lifecycle: 'ephemeral' }] }

t.test('a lease ends within seconds of its time, also when that came while the service was down', async t => {
  const first = await buildTestApp(t, { config: { dataDir: await temporaryFolder(t) } })
  const { db } = first.database
  const scene = await runtimeScene(t, first, { runtime, stopsAtTheEnd: false })
  const [before, during] = [randomUUID(), randomUUID()]
  const take = async ({ call }: typeof first, runId: string, ttlSec: number) => (await call('POST', `/api/execution-workspaces/${scene.workspaceId}/leases`, { runId, ttlSec })).body.runtimeServices.at(-1)
  const overdue = await take(first, before, 600)
  await first.app.close()
  t.ok(lives(overdue.providerRef))
  await db.updateTable('run_leases').set({ expires_at: new Date(0) }).where('run_id', '=', before).execute()

  const second = await buildTestApp(t, { database: first.database, config: { dataDir: first.dataDir } })
  await second.app.listen({ port: 0, host: '127.0.0.1' })
  await eventually(() => !lives(overdue.providerRef), 'what was over before has ended')
  const short = await take(second, during, 1)
  t.ok(lives(short.providerRef))
  await eventually(async () => !lives(short.providerRef), 'what ends meanwhile has ended')
  t.match(await db.selectFrom('run_leases').select(['run_id', 'released_at']).orderBy('created_at').execute(), [{ run_id: before, released_at: Date }, { run_id: during, released_at: Date }])
})

t.test('closing waits for a look under way, and no other is begun', async t => {
  const { app } = await buildTestApp(t)
  t.ok(app.hasPlugin('leases'))
  let looked = false
  const looking = app.leases.tick().then(() => { looked = true })
  await app.leases.close()
  t.ok(looked)
  await looking
  await app.database.db.destroy()
  await app.leases.tick()
})
