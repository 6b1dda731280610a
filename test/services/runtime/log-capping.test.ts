import { appendFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { LiveService } from '../../../services/runtime/live-services.ts'
import { startCapping } from '../../../services/runtime/log-capping.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('logs that pass their bounds are capped, one that can not be is told, and the others go on', async t => {
  const folder = await temporaryFolder(t)
  const service = (id: string, logMaxBytes: number): LiveService => ({ id, name: id, identity: { pid: 1, startTime: '' }, mark: null, env: {}, logPath: join(folder, `${id}.log`), logMaxBytes, health: null, exited: null })
  const warned: unknown[] = []
  const log = { info: () => {}, warn: (fields: object) => { warned.push(fields) } }
  for (const id of ['large', 'small']) await appendFile(join(folder, `${id}.log`), `${'x'.repeat(999)}\n`.repeat(100))
  const capping = startCapping(() => [service('missing', 10), service('large', 8192), service('small', 1_000_000)], log)
  t.teardown(capping.close)
  await eventually(async () => await stat(join(folder, 'large.log.from')).then(() => true, () => false), 'the large one is capped')
  t.match(warned, [{ runtimeServiceId: 'missing' }])
  await t.rejects(stat(join(folder, 'small.log.from')), { code: 'ENOENT' })
})
