import { readFile } from 'node:fs/promises'
import t from 'tap'
import { createLogTails } from '../../../services/operations/log-tail.ts'
import { createOperationStreams } from '../../../services/operations/operation-stream.ts'
import { createOperations } from '../../../services/operations/operations.ts'
import type { LogEvent, LogStart } from '../../../services/operations/log-event.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { dataOf, follower } from '../../fixtures/follower.ts'
import { companyWithOperation, companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

const chunksOf = (events: LogEvent[]): string[] => events.filter(({ event }) => event === 'log')
  .flatMap(event => dataOf(event).lines.map(({ chunk }: { chunk: string }) => chunk))

await onBothDatabases(t, 'followers of operations', async (t, { db }) => {
  const { recorder, logStore } = await newRecorder(db, t.testdir({}))
  const operations = createOperations({ db, logStore })
  const tails = createLogTails()
  const ids = await companyWithWorkspace(db)
  const streams = createOperationStreams({ db, operations, logStore, tails, recorder, log: { warn: (_fields, message) => t.fail(message) } })
  const get = async (id: string) => {
    const operation = await operations.get(id)
    if (operation === null) throw new Error('gone')
    return operation
  }
  const follow = async (id: string, start: LogStart = {}) => await streams.follow(await get(id), start)

  await t.test('get its lines as they come, and at last what GET gives', async t => {
    const op = await recorder.begin(operationOf(ids))
    const reader = follower(t, await follow(op.id))
    await op.log.write('stdout', 'one\n')
    const first = await reader.take()
    t.match(first, { event: 'log' })
    t.match(first === null ? null : dataOf(first), { offset: 0, nextOffset: Number(first?.id), lines: [{ stream: 'stdout', chunk: 'one\n' }] })
    op.log.system('two')
    await reader.until(event => chunksOf([event]).includes('two\n'))
    await op.finish({ status: 'failed', exitCode: 3 })
    const end = (await reader.rest()).at(-1)
    t.match(end, { event: 'end', id: 'end' })
    t.same(end === undefined ? null : dataOf(end), await get(op.id))
  })

  await t.test('who comes back after any event misses nothing and gets nothing twice', async t => {
    const op = await recorder.begin(operationOf(ids))
    const whole = follower(t, await follow(op.id))
    const texts = Array.from({ length: 40 }, (_, at) => `${at} ${'x'.repeat(at * 200)}\n`)
    for (const text of texts) {
      await op.log.write('stdout', text)
      if (Math.random() < 0.5) await whole.take()
    }
    await op.finish({ status: 'succeeded' })
    const events = await whole.rest()
    t.same(chunksOf(events), texts)
    for (const [at, event] of events.entries()) {
      if (event.event === 'end') continue
      const rest = await follower(t, await follow(op.id, { offset: Number(event.id) })).rest()
      t.same([...chunksOf(events.slice(0, at + 1)), ...chunksOf(rest)], texts, `after event ${at}`)
      t.equal(rest.at(-1)?.event, 'end')
    }
    t.equal(events.at(-2)?.id, String((await readFile(logStore.pathOf(op.log.logRef))).length))
  })

  await t.test('may begin anywhere, with a line', async t => {
    const { operation } = await recorder.run(operationOf(ids), async op => { for (const text of ['a\n', 'b\n', 'c\n']) await op.log.write('stdout', text) })
    const chunks = async (start: LogStart) => chunksOf(await follower(t, await follow(operation.id, start)).rest())
    t.same(await chunks({ offset: 1 }), ['b\n', 'c\n'])
    t.same(await chunks({ tail: 70 }), ['c\n'])
    t.same(await chunks({ tail: 0 }), [])
    t.same(await chunks({ offset: 999_999 }), [])
  })

  await t.test('see the end that another process has stored', async t => {
    const { operationId } = await companyWithOperation(db)
    const writer = await logStore.open(operationId)
    await db.updateTable('workspace_operations').set({ log_ref: writer.logRef, log_store: 'local_file' }).where('id', '=', operationId).execute()
    const reader = follower(t, await follow(operationId))
    await writer.write('stdout', 'from afar\n')
    await reader.until(({ event }) => event === 'log')
    const end = reader.rest()
    await writer.write('stdout', 'last words\n')
    await writer.close()
    await db.updateTable('workspace_operations').set({ status: 'interrupted', finished_at: new Date() }).where('id', '=', operationId).execute()
    t.match(dataOf((await end).at(-1) as LogEvent), { id: operationId, status: 'interrupted' })
    t.same(chunksOf(await end), ['from afar\n', 'last words\n'])
  })

  await t.test('end without a result when the operation is removed', async t => {
    const op = await recorder.begin(operationOf(ids))
    await op.log.write('stdout', 'here\n')
    const reader = follower(t, await follow(op.id))
    await reader.take()
    const rest = reader.rest()
    await db.deleteFrom('workspace_operations').where('id', '=', op.id).execute()
    t.same((await rest).map(({ event }) => event), ['log'])
    await op.finish({ status: 'succeeded' })
  })

  await t.test('leave nothing open, whenever they go', async t => {
    const op = await recorder.begin(operationOf(ids))
    await op.log.write('stdout', 'one\n')
    const waiting = follower(t, await follow(op.id))
    await waiting.until(({ event }) => event === 'log')
    const rest = waiting.rest()
    const never = await follow(op.id)
    t.equal(typeof never, 'function')
    t.equal(tails.openFiles, 1)
    waiting.leave()
    t.same((await rest).map(({ event }) => event), ['log'])
    const inTheMiddle = (await follow(op.id))(new AbortController().signal)
    await inTheMiddle.next()
    t.equal(tails.openFiles, 1)
    await inTheMiddle.return()
    const gone = follower(t, await follow(op.id))
    gone.leave()
    t.same(await gone.rest(), [])
    t.equal(tails.openFiles, 0)
    await op.finish({ status: 'succeeded' })
  })

  await t.test('of an operation whose log is not here are told so before anything begins', async t => {
    const { operationId } = await companyWithOperation(db)
    await t.rejects(follow(operationId), { code: 'not_found' })
    const { operation } = await recorder.run(operationOf(ids), async () => {})
    await logStore.remove(operation.logRef ?? '')
    await t.rejects(follow(operation.id), { code: 'not_found' })
  })

  await eventually(() => tails.openFiles === 0, 'all files to be closed')
})
