import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../services/access/actor.ts'
import { buildTestApp } from '../fixtures/app.ts'

t.test('app.adapterServices is there', async t => {
  const { app } = await buildTestApp(t)
  t.ok(app.hasPlugin('adapter-services'))
  await t.rejects(app.adapterServices.report(localBoard, randomUUID(), { adapterType: 'box', reports: [] }), { code: 'not_found' })
})
