import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createOperations } from '../../../services/operations/operations.ts'
import type { OperationFinish } from '../../../services/operations/recorder.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithOperation, companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

await onBothDatabases(t, 'operations', async (t, { db }) => {
  const { recorder, logStore } = await newRecorder(db, t.testdir({}))
  const operations = createOperations({ db, logStore })
  const done: OperationFinish = { status: 'succeeded' }

  await t.test('of a workspace come newest first, page by page without a gap', async t => {
    const ids = await companyWithWorkspace(db)
    const made: string[] = []
    for (let index = 0; index < 5; index++) made.unshift((await recorder.run(operationOf(ids), async () => {})).operation.id)
    await recorder.run(operationOf(await companyWithWorkspace(db)), async () => {})
    const first = await operations.listOfWorkspace(ids.workspaceId, { limit: 2 })
    // One that is made meanwhile does not shift the pages after it.
    await recorder.run(operationOf(ids), async () => {})
    const second = await operations.listOfWorkspace(ids.workspaceId, { limit: 3, cursor: first.nextCursor ?? '' })
    t.same([...first.items, ...second.items].map(({ id }) => id), made)
    t.equal(second.nextCursor, null)
    t.equal(await operations.companyOfWorkspace(ids.workspaceId), ids.companyId)
    t.equal(await operations.companyOfWorkspace(randomUUID()), null)
  })

  await t.test('of a run come oldest first, over workspaces, of the companies asked for', async t => {
    const [one, other] = [await companyWithWorkspace(db), await companyWithWorkspace(db)]
    const heartbeatRunId = randomUUID()
    const made: string[] = []
    for (const ids of [one, other, one]) made.push((await recorder.run(operationOf(ids, { heartbeatRunId }), async () => {})).operation.id)
    const list = async (companyIds: string[] | null) => (await operations.listOfRun(heartbeatRunId, companyIds, {})).items.map(({ id }) => id)
    t.same(await list(null), made)
    t.same(await list([one.companyId]), [made[0], made[2]])
    t.same(await list([one.companyId, other.companyId]), made)
    t.same(await list([]), [])
    const first = await operations.listOfRun(heartbeatRunId, null, { limit: 1 })
    const rest = await operations.listOfRun(heartbeatRunId, null, { limit: 2, cursor: first.nextCursor ?? '' })
    t.same([...first.items, ...rest.items].map(({ id }) => id), made)
    t.equal(rest.nextCursor, null)
  })

  await t.test('one that does not exist is null', async t => {
    t.equal(await operations.get(randomUUID()), null)
  })

  await t.test('a reader follows a running operation to its end', async t => {
    const op = await recorder.begin(operationOf(await companyWithWorkspace(db)))
    const read = async (offset: number, limitBytes?: number) => {
      const operation = await operations.get(op.id)
      if (operation === null) throw new Error('gone')
      return await operations.readLog(operation, { offset, limitBytes })
    }
    t.match(await read(0), { operationId: op.id, store: 'local_file', logRef: op.log.logRef, content: '', nextOffset: 0 })
    await op.log.write('stdout', 'one\n')
    await eventually(async () => (await read(0)).content !== '', 'the first line')
    const first = await read(0)
    t.equal(first.nextOffset, Buffer.byteLength(first.content), 'it goes on where the log ends for now')
    await op.log.write('stdout', 'two\n')
    await op.finish(done)
    const part = await read(0, 1)
    t.equal(part.content, first.content)
    t.equal(part.nextOffset, first.nextOffset, 'there is more')
    t.match(await read(part.nextOffset ?? 0), { content: /two/, nextOffset: null })
    t.match(await read(1_000_000), { content: '', nextOffset: null })
  })

  await t.test('an operation without a log, or whose log was removed, has none to read', async t => {
    const { operationId } = await companyWithOperation(db)
    await t.rejects(async () => {
      const without = await operations.get(operationId)
      if (without !== null) await operations.readLog(without, {})
    }, { code: 'not_found' })
    const { operation } = await recorder.run(operationOf(await companyWithWorkspace(db)), async () => {})
    await logStore.remove(operation.logRef ?? '')
    await t.rejects(operations.readLog(operation, {}), { code: 'not_found', detail: `The log of this operation is not here. If it was not lost, it is on the host that did it: ${operation.hostId}.` })
    await t.rejects(operations.readLog({ ...operation, logRef: null }, {}), { code: 'not_found', detail: 'This operation has no log (any more).' })
  })
})
