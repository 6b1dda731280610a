import t from 'tap'
import type { Row } from '../../../db/tables.ts'
import { RuntimeService } from '../../../openapi/schemas/runtime.ts'
import { toRuntimeService } from '../../../services/runtime/shape.ts'

t.test('a row is shown with every field of the schema, times as text, and nothing else', async t => {
  const at = new Date('2026-01-31T12:00:00.123Z')
  const row = { id: 'r', spawn_mark: 'm', definition: {}, last_used_at: at, started_at: at, stopped_at: at, next_restart_at: null, created_at: at, updated_at: at, restart_count: 2, config_index: 1 } as unknown as Row<'runtime_services'>
  const shown = toRuntimeService(row)
  t.same(Object.keys(shown).sort(), Object.keys(RuntimeService.properties).sort())
  t.match(shown, { startedAt: '2026-01-31T12:00:00.123Z', stoppedAt: '2026-01-31T12:00:00.123Z', nextRestartAt: null, restartCount: 2 })
  t.notMatch(JSON.stringify(shown), /spawn/)
})
