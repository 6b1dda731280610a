/** Which of the services that are due are stopped, by whom, how often one that fails is tried, and what is said. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { StopReport } from '../../../services/runtime/supervisor.ts'
import { createPolicyStops, type PolicyStopsDeps } from '../../../services/control/policy-stops.ts'
import { StopIncomplete } from '../../../services/errors.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { leaseRows } from '../../fixtures/leases.ts'
import { newRecorder } from '../../fixtures/operations.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('stops that are due', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const rows = await leaseRows(db)
  const { recorder } = await newRecorder(db, await temporaryFolder(t), { hostId: rows.hostId })
  const finishing = { stop_policy: JSON.stringify({ type: 'on_run_finish' }) }
  let clock = Date.now()
  const tried: string[] = []

  /** Stops by writing the row, except what is called stubborn. */
  async function stopService (...[row, { guard }]: Parameters<PolicyStopsDeps['stopService']>): Promise<StopReport | null> {
    tried.push(row.service_name)
    if (row.service_name === 'stubborn') throw new StopIncomplete('It lives.')
    if (!await guard?.(row)) return null
    await db.updateTable('runtime_services').set({ status: 'stopped' }).where('id', '=', row.id).execute()
    return { runtimeServiceId: row.id, serviceName: row.service_name, membersBefore: [], survivors: [], forced: false, portFree: null, durationMs: 0, kept: false }
  }
  const debugged: object[] = []
  const stops = () => createPolicyStops({ db, hostId: rows.hostId, recorder, now: () => new Date(clock), stopService, log: { info () {}, warn () {}, debug: fields => debugged.push(fields) } })
  t.beforeEach(async () => {
    tried.length = 0
    await db.deleteFrom('runtime_services').execute()
    await db.deleteFrom('run_leases').execute()
  })

  await t.test('the end of a run stops what it ends, and nothing of others', async t => {
    const [mine, other] = [await rows.ownWorkspace(), await rows.ownWorkspace()]
    for (const [id, name] of [[mine, 'mine'], [mine, 'foreign'], [other, 'other']] as const) await rows.service(id, { ...finishing, service_name: name })
    const { run_id: runId } = await rows.lease(mine, { released_at: new Date() })
    await rows.lease(other, { released_at: new Date() })
    const stopped = await stops().stopDue({ runId, isOurs: row => row.service_name !== 'foreign' })
    t.same(stopped.map(({ row }) => row.service_name), ['mine'])
    t.same((await stops().stopDue()).map(({ row }) => row.service_name).sort(), ['foreign', 'other'])
  })

  await t.test('one that can not be stopped is tried again after a minute, the others are stopped', async t => {
    const id = await rows.ownWorkspace()
    const { run_id: runId } = await rows.lease(id, { released_at: new Date() })
    for (const name of ['stubborn', 'gentle']) await rows.service(id, { ...finishing, service_name: name })
    const some = stops()
    await t.rejects(some.stopDue(), { code: 'stop_incomplete' })
    t.same(tried.sort(), ['gentle', 'stubborn'])
    await some.stopDue()
    t.equal(tried.length, 2, 'not at once')
    await t.rejects(some.stopDue({ runId, isOurs: () => true }), { code: 'stop_incomplete' }, 'whoever asks for it is told')
    clock += 61_000
    await t.rejects(some.stopDue(), { code: 'stop_incomplete' })
    t.equal(tried.length, 4)
    await db.updateTable('runtime_services').set({ status: 'failed' }).execute()
    t.same(await some.stopDue(), [])
  })

  await t.test('two at once stop each service once, and both are told', async t => {
    const id = await rows.ownWorkspace()
    await rows.lease(id, { released_at: new Date() })
    await rows.service(id, finishing)
    const some = stops()
    const [first, second] = await Promise.all([some.stopDue(), some.stopDue()])
    t.equal(tried.length, 1)
    t.equal(first[0]?.operation.id, second[0]?.operation.id)
  })

  await t.test('what a run keeps is said once for each time it is kept', async t => {
    const id = await rows.ownWorkspace()
    await rows.lease(id, { released_at: new Date() })
    const { id: serviceId } = await rows.service(id, finishing)
    const { id: leaseId, run_id: runId } = await rows.lease(id)
    const some = stops()
    for (let look = 0; look < 3; look++) await some.stopDue()
    t.match(debugged, [{ runtimeServiceId: serviceId, heldBy: [runId] }])
    t.equal(debugged.length, 1)
    await db.updateTable('run_leases').set({ released_at: new Date() }).where('id', '=', leaseId).execute()
    t.equal((await some.stopDue()).length, 1)
  })

  await t.test('after closing none is begun', async t => {
    const id = await rows.ownWorkspace()
    await rows.lease(id, { released_at: new Date(), run_id: randomUUID() })
    await rows.service(id, finishing)
    const some = stops()
    some.close()
    t.same(await some.stopDue(), [])
    t.same(tried, [])
  })
})
