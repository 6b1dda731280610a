/** The archive as the app offers it. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../services/access/actor.ts'
import { buildTestApp } from '../fixtures/app.ts'

t.test('app.archival is there and needs what it stands on', async t => {
  const { app } = await buildTestApp(t)
  t.ok(app.hasPlugin('archival-cleanup'))
  for (const action of ['closeReadiness', 'archive', 'restore'] as const) {
    await t.rejects(async () => { await app.archival[action](localBoard, randomUUID()) }, { code: 'not_found' })
  }
})
