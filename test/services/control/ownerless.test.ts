import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Db } from '../../../db/client.ts'
import { beatHost } from '../../../db/hosts.ts'
import { createSweep, endOrphan, startSweeping, sweepTimes, type Sweep } from '../../../services/control/ownerless.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf, type TestRecorder } from '../../fixtures/operations.ts'
import { startProgram } from '../../fixtures/processes.ts'
import { lives } from '../../fixtures/runtime.ts'
import { silentLog } from '../../fixtures/silent-log.ts'

const times = { everyMs: 3_000, staleMs: 18_000 }
const rowOf = async (db: Db, id: string) => await db.selectFrom('workspace_operations').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

/** A host with a sweep of its own; its clock is given by the test. */
async function host (t: Test, db: Db): Promise<TestRecorder & { sweep: Sweep }> {
  const made = await newRecorder(db, t.testdir({}))
  return { ...made, sweep: createSweep({ db, hostId: made.hostId, recorder: made.recorder, log: silentLog }, times) }
}

/** Looks every 3 s until the time, as the timer does; gives at which second something was ended. */
async function lookUntil (sweep: Sweep, untilMs: number, each: () => Promise<void> = async () => {}): Promise<number[]> {
  const ended: number[] = []
  for (let nowMs = 0; nowMs <= untilMs; nowMs += times.everyMs) {
    await each()
    if (await sweep.look(nowMs) > 0) ended.push(nowMs / 1000)
  }
  return ended
}

await onBothDatabases(t, 'operations without an owner', async (t, { db }) => {
  const ids = await companyWithWorkspace(db)

  await t.test('of a host that gives no sign of life: interrupted within 30 s by one of those that live, its processes ended', async t => {
    const [dead, alive, other] = [await host(t, db), await host(t, db), await host(t, db)]
    const program = await startProgram(t, 'ignores-sigterm.js')
    const [running, queued] = [await dead.recorder.begin(operationOf(ids)), await dead.recorder.begin(operationOf(ids), { queued: true })]
    await db.updateTable('workspace_operations').set({ spawn_mark: program.mark }).where('id', '=', running.id).execute()
    await eventually(async () => (await program.output()).includes('ready'), 'the program to run')
    const own = await alive.recorder.begin(operationOf(ids))
    const seen = await Promise.all([alive, other].map(async ({ sweep }) => await lookUntil(sweep, 27_000, async () => await Promise.all([alive, other].map(async ({ hostId }) => await beatHost(db, hostId))).then(() => {}))))
    t.same(seen.flat(), [18], 'once, and only by one of them')
    t.match(await rowOf(db, running.id), { status: 'interrupted', metadata: { reason: new RegExp(`host it ran on \\(${dead.hostId}\\) has given no sign of life for 18 s`), stop: { forced: true, survivors: [] } }, orphaned: false })
    t.match(await rowOf(db, queued.id), { status: 'interrupted', orphaned: true })
    t.notOk(lives(program.process.pid))
    t.equal((await rowOf(db, own.id)).status, 'running')
    await own.finish({ status: 'succeeded' })
    t.match(await running.finish({ status: 'succeeded' }), { status: 'interrupted' }, 'a host that comes back does not write over it')
    await queued.finish({ status: 'cancelled' })
  })

  await t.test('of a host that beats: however long it takes, and wherever clocks are set', async t => {
    const [long, alive] = [await host(t, db), await host(t, db)]
    const op = await long.recorder.begin(operationOf(ids))
    await db.updateTable('workspace_operations').set({ started_at: new Date('2001-01-01T00:00:00Z'), created_at: new Date('2101-01-01T00:00:00Z') }).where('id', '=', op.id).execute()
    let year = 2090
    const beatBackwards = async () => { await db.updateTable('hosts').set({ heartbeat_at: new Date(`${year--}-01-01T00:00:00Z`) }).where('id', '=', long.hostId).execute() }
    t.same(await lookUntil(alive.sweep, 60_000, beatBackwards), [])
    t.equal((await op.finish({ status: 'succeeded' })).status, 'succeeded')
  })

  await t.test('a host that beats between the look and the end keeps its operations', async t => {
    const [late, alive] = [await host(t, db), await host(t, db)]
    const op = await late.recorder.begin(operationOf(ids))
    t.same(await alive.recorder.interruptAllOf({ hostId: late.hostId, beat: '1' }, 'It seemed dead.'), [])
    t.equal((await op.finish({ status: 'succeeded' })).status, 'succeeded')
  })

  await t.test('what lives on the machine of a dead host is ended when that comes back', async t => {
    const { recorder, hostId } = await host(t, db)
    const program = await startProgram(t, 'never-ready.js')
    const id = randomUUID()
    await db.insertInto('workspace_operations').values({ id, company_id: ids.companyId, phase: 'workspace_provision', status: 'interrupted', orphaned: true, host_id: hostId, spawn_mark: program.mark, metadata: JSON.stringify({ reason: 'kept' }) }).execute()
    for (const operation of await recorder.orphans()) await endOrphan({ recorder }, operation)
    t.notOk(lives(program.process.pid))
    t.match(await rowOf(db, id), { status: 'interrupted', orphaned: false, metadata: { reason: 'kept', stop: { survivors: [] } } })
    t.same(await recorder.orphans(), [])
  })

  await t.test('left by an earlier process of this host, or by none: at the second look', async t => {
    const { recorder, hostId, sweep } = await host(t, db)
    const rows = [hostId, null].map(owner => ({ id: randomUUID(), company_id: ids.companyId, phase: 'workspace_provision' as const, status: 'queued' as const, host_id: owner }))
    await db.insertInto('workspace_operations').values(rows).execute()
    const own = await recorder.begin(operationOf(ids))
    t.equal(await sweep.look(0), 0)
    t.equal(await sweep.look(1), 2)
    for (const { id } of rows) t.match(await rowOf(db, id), { status: 'interrupted', metadata: { reason: /stopped while this was under way/ } })
    t.equal((await own.finish({ status: 'succeeded' })).status, 'succeeded')
  })

  await t.test('it is looked at again and again until stopped', async t => {
    const { recorder, hostId } = await host(t, db)
    const id = randomUUID()
    await db.insertInto('workspace_operations').values({ id, company_id: ids.companyId, phase: 'workspace_provision', status: 'running', host_id: hostId }).execute()
    const stop = startSweeping({ db, hostId, recorder, log: silentLog }, { everyMs: 5, staleMs: 60_000 })
    await eventually(async () => (await rowOf(db, id)).status === 'interrupted', 'the leftover to be ended')
    await stop()
  })
})

t.test('a dead host is found in time: the beat, the looks and the staleness together are below 30 s', async t => {
  t.ok(sweepTimes.staleMs + 2 * sweepTimes.everyMs <= 25_000)
})
