import t from 'tap'
import { waitForTurn } from '../../../services/control/job-turn.ts'
import { createJobQueue } from '../../../services/operations/job-queue.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')
const ids = await companyWithWorkspace(db)
const statusOf = async (id: string) => (await db.selectFrom('workspace_operations').select('status').where('id', '=', id).executeTakeFirstOrThrow()).status

t.test('a job waits until a slot is free; an end of the service interrupts those that wait', async t => {
  const { recorder } = await newRecorder(db, t.testdir({}))
  const queue = createJobQueue({ slots: 1 })
  const places = [queue.join('a'), queue.join('a'), queue.join('a')]
  const [first, second, third] = [await recorder.begin(operationOf(ids)), await recorder.begin(operationOf(ids)), await recorder.begin(operationOf(ids), { queued: true })]
  await waitForTurn(places[0] ?? queue.join('a'), first)
  t.equal(await statusOf(first.id), 'running')
  const turn = waitForTurn(places[1] ?? queue.join('a'), second)
  await eventually(async () => await statusOf(second.id) === 'queued', 'the second to be queued')
  const never = waitForTurn(places[2] ?? queue.join('a'), third)
  t.equal(await statusOf(third.id), 'queued')
  places[0]?.leave()
  await turn
  await eventually(async () => await statusOf(second.id) === 'running', 'the second to be stored as running')
  const ended = recorder.endAll(new ServiceStopping(), 10_000)
  await t.rejects(never, { code: 'unavailable' })
  for (const op of [first, second, third]) await op.finish({ status: 'interrupted' })
  await ended
})
