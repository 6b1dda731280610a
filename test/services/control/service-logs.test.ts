import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard, type Actor } from '../../../services/access/actor.ts'
import { createServiceLogs } from '../../../services/control/service-logs.ts'
import { createLogTails } from '../../../services/operations/log-tail.ts'
import { createRedactor } from '../../../services/operations/redact.ts'
import { toRuntimeService } from '../../../services/runtime/shape.ts'
import { agentOf, nobody, person } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { follower } from '../../fixtures/follower.ts'
import { insertServiceRow } from '../../fixtures/service-rows.ts'

await onBothDatabases(t, 'logs of services', async (t, { db }) => {
  const dataDir = t.testdir({})
  const log = { info () {}, warn: (_fields: object, message: string) => { t.fail(message) } }
  const logs = createServiceLogs({ db, dataDir, redactor: createRedactor({ env: { HOST_TOKEN: 'host-token-1' } }), environmentOf: () => ({}), tails: createLogTails(), log })
  const row = await insertServiceRow(db, { attempt: 3, status: 'backing_off' })
  for (const [attempt, text] of [[2, 'second host-token-1\n'], [3, 'third']] as const) {
    await mkdir(join(dataDir, 'logs', 'services'), { recursive: true })
    await writeFile(join(dataDir, 'logs', 'services', `${row.id}.${attempt}.log`), text)
  }

  await t.test('can be read by those of its company only; for others the service does not exist', async t => {
    for (const actor of [localBoard, person(row.company_id, 'viewer'), agentOf(row.company_id, randomUUID())]) {
      t.same(await logs.get(actor, row.id), toRuntimeService(row))
      t.match(await logs.read(actor, row.id, {}), { attempt: 3, content: 'third', nextOffset: null })
      t.type(await logs.follow(actor, row.id, {}), 'function')
    }
    const looks = (actor: Actor, id: string): (() => Promise<unknown>)[] => [() => logs.get(actor, id), () => logs.read(actor, id, {}), () => logs.follow(actor, id, {}), () => logs.follow(actor, id, {}, 'end')]
    for (const actor of [person(randomUUID()), person(row.company_id, 'owner', 'suspended')]) {
      for (const look of looks(actor, row.id)) await t.rejects(look(), { code: 'not_found' })
    }
    for (const look of looks(localBoard, randomUUID())) await t.rejects(look(), { code: 'not_found' })
    for (const look of looks(nobody, row.id)) await t.rejects(look(), { code: 'unauthenticated' })
  })

  await t.test('are kept for each attempt, masked', async t => {
    t.match(await logs.read(localBoard, row.id, { attempt: 2 }), { attempt: 2, logRef: `services/${row.id}.2.log`, content: 'second ***\n', offset: 0, nextOffset: null })
    for (const attempt of [1, 4]) {
      await t.rejects(logs.read(localBoard, row.id, { attempt }), { code: 'not_found' })
      await t.rejects(logs.follow(localBoard, row.id, { attempt }), { code: 'not_found' })
    }
  })

  await t.test('are followed from where the client was, whatever its first request said', async t => {
    const follow = await logs.follow(localBoard, row.id, { attempt: 3, offset: 0 }, '2:7')
    if (follow === null) throw new Error('nothing to follow')
    const reader = follower(t, follow)
    t.match(await reader.take(), { event: 'log', id: '2:20', data: /"content":"\*\*\*/ })
    t.match(await reader.take(), { event: 'attempt', id: '3:0' })
    t.match(await reader.take(), { event: 'log', id: '3:5' })
    reader.leave()
    t.equal(await logs.follow(localBoard, row.id, {}, 'end'), null)
  })
})
