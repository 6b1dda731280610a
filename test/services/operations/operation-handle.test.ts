import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createOperationHandle } from '../../../services/operations/operation-handle.ts'
import type { LogSummary, OperationLogWriter } from '../../../services/operations/log-writer.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithOperation } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')

function writerThatEnds (summary: Partial<LogSummary>): OperationLogWriter {
  return {
    logRef: 'ref',
    write: async () => {},
    system () {},
    addSecrets () {},
    excerpt: () => null,
    close: async () => ({ bytes: 1, sha256: 'abc', stdoutExcerpt: null, stderrExcerpt: null, capped: false, failure: null, ...summary })
  }
}

async function newHandle (summary: Partial<LogSummary> = {}) {
  const { operationId } = await companyWithOperation(db)
  const row = await db.selectFrom('workspace_operations').selectAll().where('id', '=', operationId).executeTakeFirstOrThrow()
  const warnings: string[] = []
  const live = createOperationHandle({ db, row, mark: randomUUID(), writer: writerThatEnds(summary), now: () => new Date(), log: { warn: (_fields, message) => { warnings.push(message) } } })
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

t.test('what can not be stored is thrown, and still ends the operation', async t => {
  const { handle, ended } = await newHandle({ bytes: Number.NaN })
  await t.rejects(handle.finish({ status: 'succeeded' }))
  await ended
})
