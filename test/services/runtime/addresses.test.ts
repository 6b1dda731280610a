import t from 'tap'
import { servicesNamedIn } from '../../../services/runtime/addresses.ts'

t.test('services are found in every template of an entry, each once', async t => {
  t.same(servicesNamedIn({
    command: 'serve {{services.api.url}} {{services.api.port}}',
    cwd: '{{workspace.cwd}}',
    env: { A: '{{services.db.port}}', N: 1 },
    readiness: { type: 'command', command: 'check {{services.my cache.url}}' }
  }), ['api', 'db', 'my cache'])
  t.same(servicesNamedIn({}), [])
})
