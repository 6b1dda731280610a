import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findService, type ServicePatch } from '../../../db/runtime-services.ts'
import type { LogEvent } from '../../../services/operations/log-event.ts'
import { createLogTails } from '../../../services/operations/log-tail.ts'
import { createRedactor } from '../../../services/operations/redact.ts'
import { capLog } from '../../../services/runtime/log-file.ts'
import { createServiceStreams, hasAttemptEnded } from '../../../services/runtime/log-stream.ts'
import { toRuntimeService } from '../../../services/runtime/shape.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { dataOf, follower, type Follower } from '../../fixtures/follower.ts'
import { insertServiceRow } from '../../fixtures/service-rows.ts'

const redactor = createRedactor({ env: { API_TOKEN: 'tok-abcdefgh' } })
const textOf = (events: LogEvent[]): string => events.filter(({ event }) => event === 'log').map(event => dataOf(event).content).join('')

interface Scene {
  id: string
  write (attempt: number, text: string): Promise<void>
  /** Changes the row, as any process on the database may. */
  set (patch: ServicePatch): Promise<void>
  follow (attempt?: number, offset?: number): Promise<Follower>
  pathOf (attempt: number): string
}

t.test('an attempt has ended with the service, with the next attempt, and while the service waits for that', async t => {
  t.notOk(hasAttemptEnded({ status: 'running', attempt: 2 }, 2))
  t.notOk(hasAttemptEnded({ status: 'starting', attempt: 2 }, 2))
  t.ok(hasAttemptEnded({ status: 'running', attempt: 2 }, 1))
  t.ok(hasAttemptEnded({ status: 'backing_off', attempt: 2 }, 2))
  t.ok(hasAttemptEnded({ status: 'stopped', attempt: 2 }, 2))
  t.ok(hasAttemptEnded({ status: 'failed', attempt: 2 }, 2))
})

await onBothDatabases(t, 'followers of services', async (t, { db }) => {
  const tails = createLogTails()
  const log = { info () {}, warn: (_fields: object, message: string) => { t.fail(message) } }
  const streams = createServiceStreams({ db, tails, log })

  async function scene (t: Test): Promise<Scene> {
    const folder = t.testdir({})
    const { id } = await insertServiceRow(db)
    const pathOf = (attempt: number) => join(folder, `${id}.${attempt}.log`)
    await writeFile(pathOf(1), '')
    return {
      id,
      pathOf,
      write: async (attempt, text) => await appendFile(pathOf(attempt), text),
      async set (patch) { await db.updateTable('runtime_services').set(patch).where('id', '=', id).execute() },
      async follow (attempt = 1, offset = 0) {
        const row = await findService(db, id)
        if (row === undefined) throw new Error('gone')
        const result = async () => {
          const last = await findService(db, id)
          return last === undefined ? null : toRuntimeService(last)
        }
        return follower(t, signal => streams.follow({ row, place: { attempt, offset }, redactor, pathOf, result, signal }))
      }
    }
  }

  await t.test('get its text as it comes, masked, also of a line that is not finished', async t => {
    const service = await scene(t)
    const reader = await service.follow()
    await service.write(1, 'Compiling')
    t.match(dataOf(await reader.take() as LogEvent), { attempt: 1, offset: 0, nextOffset: 9, content: 'Compiling' })
    await service.write(1, ' with tok-abc')
    t.match(dataOf(await reader.take() as LogEvent), { content: ' with ' }, 'what may become a secret waits')
    await service.write(1, 'defgh\n')
    t.match(await reader.take(), { event: 'log', id: '1:28', data: JSON.stringify({ attempt: 1, offset: 15, nextOffset: 28, content: '***\n' }) })
    reader.leave()
  })

  await t.test('are led over every restart to the end, which is what GET gives', async t => {
    const service = await scene(t)
    const reader = await service.follow()
    const rest = reader.rest()
    await service.write(1, 'first, unfinished')
    await service.set({ status: 'backing_off' })
    await writeFile(service.pathOf(2), '')
    await service.set({ status: 'starting', attempt: 2 })
    await service.write(2, 'second\n')
    await service.set({ status: 'running' })
    // Two more starts between two looks: no log is left out.
    await writeFile(service.pathOf(3), 'third\n')
    await writeFile(service.pathOf(4), 'fourth')
    await service.set({ attempt: 4, status: 'failed', exit_code: 1 })
    const events = await rest
    t.same(events.filter(({ event }) => event === 'attempt').map(({ id, data }) => [id, data]), [['2:0', '{"attempt":2}'], ['3:0', '{"attempt":3}'], ['4:0', '{"attempt":4}']])
    t.equal(textOf(events), 'first, unfinishedsecond\nthird\nfourth')
    const end = events.at(-1) as LogEvent
    t.match(end, { event: 'end', id: 'end' })
    const row = await findService(db, service.id)
    t.same(dataOf(end), row === undefined ? null : toRuntimeService(row))
  })

  await t.test('who come back after any event get the rest, once', async t => {
    const service = await scene(t)
    await service.write(1, `${'x'.repeat(70_000)}\nand tok-abcdefgh:`)
    await writeFile(service.pathOf(2), Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0xc3]))
    await service.set({ status: 'stopped', attempt: 2 })
    const events = await (await service.follow()).rest()
    t.equal(textOf(events), `${'x'.repeat(70_000)}\nand ***:a\ufffd\ufffd\n\ufffd`)
    for (const [at, { event, id }] of events.entries()) {
      if (event === 'end') continue
      const [attempt, offset] = id.split(':').map(Number)
      const rest = await (await service.follow(attempt, offset)).rest()
      t.same([...events.slice(0, at + 1), ...rest], events, `after ${id}`)
    }
  })

  await t.test('that fall behind what is kept are told how much they have missed', async t => {
    const service = await scene(t)
    const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join('')
    await service.write(1, lines(0, 20_000))
    const reader = await service.follow()
    const first = await reader.take() as LogEvent
    const { method, from } = await capLog(service.pathOf(1), 40_000)
    if (method !== 'hole') return t.pass('no holes on this file system')
    const { nextOffset } = dataOf(first)
    t.match(await reader.take(), { event: 'skipped', id: `1:${from}`, data: JSON.stringify({ attempt: 1, offset: nextOffset, nextOffset: from, bytes: from - nextOffset }) })
    await service.set({ status: 'stopped' })
    const events = await reader.rest()
    t.equal(textOf(events), lines(0, 20_000).slice(0, nextOffset) + lines(0, 20_000).slice(from))
  })

  await t.test('go on where a log was removed, with those that are there', async t => {
    const service = await scene(t)
    await rm(service.pathOf(1))
    await writeFile(service.pathOf(3), 'third\n')
    await service.set({ attempt: 3 })
    const reader = await service.follow(1, 500)
    t.match(await reader.until(({ event }) => event === 'log'), { id: '3:6' })
    await writeFile(service.pathOf(5), 'fifth\n')
    const rest = reader.rest()
    // Its log is not there yet when the row says that it begins.
    await service.set({ attempt: 4, status: 'starting' })
    await writeFile(service.pathOf(4), 'fourth\n')
    await service.set({ status: 'running' })
    await service.set({ attempt: 5, status: 'stopped' })
    t.equal(textOf(await rest), 'third\nfourth\nfifth\n')
  })

  await t.test('of a service that is removed end without a result', async t => {
    const service = await scene(t)
    const rest = (await service.follow()).rest()
    await db.deleteFrom('runtime_services').where('id', '=', service.id).execute()
    t.same(await rest, [])
  })

  await t.test('leave nothing open when they go', async t => {
    const service = await scene(t)
    const readers = await Promise.all(Array.from({ length: 20 }, async () => await service.follow()))
    const all = readers.map(async reader => await reader.rest())
    await service.write(1, 'x\n')
    for (const reader of readers) while (reader.events.length === 0) await new Promise(setImmediate)
    t.equal(tails.openFiles, 1)
    for (const reader of readers) reader.leave()
    await Promise.all(all)
    t.equal(tails.openFiles, 0)
  })
})
