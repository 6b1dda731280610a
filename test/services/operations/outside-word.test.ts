import t from 'tap'
import { requestCancel } from '../../../db/workspace-operations.ts'
import { cancellerOf } from '../../../services/operations/cancellation.ts'
import { heedOutside, startHeeding } from '../../../services/operations/outside-word.ts'
import { localBoard } from '../../../services/access/actor.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

const by = JSON.stringify(cancellerOf(localBoard))

await onBothDatabases(t, 'what other hosts have to say', async (t, { db }) => {
  const ids = await companyWithWorkspace(db)
  const { recorder } = await newRecorder(db, t.testdir({}))
  const rowOf = async (id: string) => await db.selectFrom('workspace_operations').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

  await t.test('a cancel reaches the operation it means, and who it was', async t => {
    const [meant, other] = [await recorder.begin(operationOf(ids)), await recorder.begin(operationOf(ids))]
    await requestCancel(db, meant.id, by)
    await heedOutside({ db, recorder })
    t.match(meant.signal.reason, { code: 'operation_cancelled', by: { type: 'board', id: 'local' } })
    t.notOk(other.signal.aborted)
    for (const op of [meant, other]) await op.finish({ status: 'cancelled' })
    t.match(await rowOf(meant.id), { status: 'cancelled', metadata: { cancelledBy: { id: 'local' } } })
    t.equal((await rowOf(other.id)).metadata, null)
  })

  await t.test('one that can not be cancelled says why; a later request is heard again', async t => {
    const op = await recorder.begin(operationOf(ids))
    op.refuseCancel('Not now.')
    await requestCancel(db, op.id, by)
    await heedOutside({ db, recorder })
    t.match(await rowOf(op.id), { cancel_refusal: 'Not now.', cancel_requested_at: null })
    await requestCancel(db, op.id, by)
    t.equal((await rowOf(op.id)).cancel_refusal, null)
    t.notOk(op.signal.aborted)
    await op.finish({ status: 'succeeded' })
    t.notOk(await requestCancel(db, op.id, by), 'nothing is asked of one that has ended')
  })

  await t.test('an operation whose record somebody else ended is told to end, and that record stands', async t => {
    const op = await recorder.begin(operationOf(ids))
    await db.updateTable('workspace_operations').set({ status: 'interrupted', orphaned: true }).where('id', '=', op.id).execute()
    await heedOutside({ db, recorder })
    t.ok(op.signal.aborted)
    t.match(await op.finish({ status: 'cancelled' }), { status: 'interrupted' })
    t.equal((await rowOf(op.id)).orphaned, false, 'its processes are gone')
  })

  await t.test('it is looked at again and again until stopped', async t => {
    const stop = startHeeding({ db, recorder, everyMs: 5, onFailure: error => t.fail('looks', { error }) })
    const op = await recorder.begin(operationOf(ids))
    await requestCancel(db, op.id, by)
    await eventually(() => op.signal.aborted, 'the cancel to be heard')
    await op.finish({ status: 'cancelled' })
    await stop()
  })
})

t.test('failing looks are told once, and again only after one worked', async t => {
  const failures: unknown[] = []
  let works = false
  let looks = 0
  const recorder = { underWay: () => { looks++; if (works) return []; throw new Error('no database') }, cancel: () => true, letGo () {} }
  const stop = startHeeding({ db: {} as never, recorder, everyMs: 1, onFailure: error => failures.push(error) })
  await eventually(() => looks >= 3, 'three failing looks')
  t.equal(failures.length, 1)
  works = true
  const failed = looks
  await eventually(() => looks > failed + 1, 'a look that works')
  works = false
  await eventually(() => failures.length === 2, 'a second report')
  await stop()
})
