import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createOperationHandle } from '../../../services/operations/operation-handle.ts'
import { Cancellation } from '../../../services/operations/cancellation.ts'
import type { LogSummary, OperationLogWriter } from '../../../services/operations/log-writer.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithOperation } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')

function writerThatEnds (summary: Partial<LogSummary>): OperationLogWriter {
  return {
    logRef: 'ref',
    write: async () => {},
    system () {},
    addSecrets () {},
    excerpt: () => null,
    mask: text => text,
    close: async () => ({ bytes: 1, sha256: 'abc', stdoutExcerpt: null, stderrExcerpt: null, capped: false, failure: null, ...summary })
  }
}

async function newHandle (summary: Partial<LogSummary> = {}, now: () => Date = () => new Date()) {
  const { operationId } = await companyWithOperation(db)
  const row = await db.selectFrom('workspace_operations').selectAll().where('id', '=', operationId).executeTakeFirstOrThrow()
  const warnings: string[] = []
  const live = createOperationHandle({ db, row, mark: randomUUID(), writer: writerThatEnds(summary), now, log: { warn: (_fields, message) => { warnings.push(message) } } })
  return { ...live, warnings }
}

t.test('a log that could not be written whole is told in the metadata and in the service\'s log', async t => {
  const { handle, warnings, ended } = await newHandle({ failure: new Error('no space') })
  t.match(await handle.finish({ status: 'succeeded' }), { status: 'succeeded', metadata: { logIncomplete: true } })
  t.match(warnings, [/incomplete/])
  await ended
})

t.test('without anything noted the metadata stays null', async t => {
  const { handle } = await newHandle()
  t.equal((await handle.finish({ status: 'succeeded' })).metadata, null)
})

t.test('an operation whose row went with its workspace still ends', async t => {
  const { handle, ended } = await newHandle()
  await db.deleteFrom('workspace_operations').where('id', '=', handle.id).execute()
  t.match(await handle.finish({ status: 'cancelled', exitCode: 1 }), { id: handle.id, status: 'cancelled', exitCode: 1 })
  await ended
})

t.test('its signal aborts with the reason it is ended with', async t => {
  const { handle, end } = await newHandle()
  t.notOk(handle.signal.aborted)
  const reason = new Error('enough')
  end(reason)
  t.equal(handle.signal.reason, reason)
  t.equal(handle.finished, null)
  const finishing = handle.finish({ status: 'cancelled' })
  t.not(handle.finished, null)
  await finishing
})

t.test('its turn comes later: queued until then, and its start is that', async t => {
  let clock = new Date('2026-01-05T10:00:00.000Z')
  const { handle } = await newHandle({}, () => clock)
  await handle.waitInLine()
  const queued = await db.selectFrom('workspace_operations').selectAll().where('id', '=', handle.id).executeTakeFirstOrThrow()
  t.match(queued, { status: 'queued', started_at: clock })
  await handle.waitInLine()
  clock = new Date('2026-01-05T10:00:09.000Z')
  handle.startTurn()
  t.match(await handle.finish({ status: 'succeeded' }), { status: 'succeeded', startedAt: clock.toISOString() }, 'also where it ends before that it began was stored')
})

t.test('that its turn has come is stored while it goes on', async t => {
  const { handle } = await newHandle()
  const stored = async () => await db.selectFrom('workspace_operations').select(['status', 'started_at']).where('id', '=', handle.id).executeTakeFirstOrThrow()
  await handle.waitInLine()
  const queued = await stored()
  await eventually(() => Date.now() > queued.started_at.getTime(), 'some time to pass')
  handle.startTurn()
  handle.startTurn()
  await eventually(async () => (await stored()).status === 'running', 'the turn to be stored')
  const running = await stored()
  t.ok(running.started_at > queued.started_at)
  t.match(await handle.finish({ status: 'failed' }), { status: 'failed', startedAt: running.started_at.toISOString() })
})

t.test('a clock that is set back while it runs does no harm: it ends after it began, by the time it took', async t => {
  let clock = new Date('2026-01-05T10:00:00.000Z')
  const { handle } = await newHandle({}, () => clock)
  await handle.waitInLine()
  const before = performance.now()
  handle.startTurn()
  const begun = performance.now()
  await eventually(() => performance.now() - begun > 30, 'some time to pass')
  clock = new Date('2020-01-01T00:00:00.000Z')
  const { startedAt, finishedAt } = await handle.finish({ status: 'succeeded' })
  const tookMs = Date.parse(finishedAt ?? '') - Date.parse(startedAt)
  t.ok(tookMs >= 30 && tookMs <= performance.now() - before + 1, `${tookMs} ms`)
})

t.test('who cancelled it is in its metadata and in the activity, with its end; not when it ended otherwise', async t => {
  const by = { type: 'agent' as const, id: randomUUID(), runId: randomUUID() }
  for (const status of ['cancelled', 'succeeded'] as const) {
    const { handle, end } = await newHandle()
    end(new Cancellation(by, handle.id))
    const { metadata } = await handle.finish({ status })
    t.same(metadata, status === 'cancelled' ? { cancelledBy: by } : null)
    const activity = (await db.selectFrom('activity_log').selectAll().execute()).filter(({ details }) => details?.['operationId'] === handle.id)
    t.match(activity, status === 'cancelled' ? [{ action: 'execution_workspace.operation_cancelled', actor_type: 'agent', agent_id: by.id, run_id: by.runId }] : [])
  }
})

t.test('what can not be stored is thrown, and still ends the operation', async t => {
  const { handle, ended } = await newHandle({ bytes: Number.NaN })
  await t.rejects(handle.finish({ status: 'succeeded' }))
  await ended
})
