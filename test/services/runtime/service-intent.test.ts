import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { serviceLogPlace } from '../../../services/runtime/service-intent.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { runtimeScene } from '../../fixtures/runtime.ts'

t.test('each attempt has a log of its own, named by it', async t => {
  t.same(serviceLogPlace('/data', 'id', 3), { ref: 'services/id.3.log', path: '/data/logs/services/id.3.log' })
})

t.test('of a service that is restarted again and again the last ten logs are kept', async t => {
  const testApp = await buildTestApp(t)
  const scene = await runtimeScene(t, testApp, { runtime: { commands: [{ name: 'loop', command: 'sleep 0.15; exit 1', restart: { policy: 'always', backoffMs: 1 } }] } })
  const now = async () => (await scene.get()).runtimeServices[0]
  await scene.control('start')
  await testApp.database.db.updateTable('runtime_services').set({ attempt: 9 }).execute()
  await eventually(async () => (await now()).attempt >= 13, 'it was started a few times more')
  await scene.control('stop')
  const { id, attempt } = await now()
  const kept = (await readdir(join(testApp.dataDir, 'logs', 'services'))).filter(name => name.startsWith(id)).map(name => Number(name.split('.')[1])).sort((a, b) => a - b)
  t.ok(kept.every(number => number > attempt - 10), `of attempt ${attempt} there are ${kept.join(', ')}`)
  t.equal(kept.at(-1), attempt)
})
