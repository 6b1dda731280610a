/** How long a lease holds while services start, and where none can be taken. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { acquireLease, endOf, type LeaseAcquireDeps } from '../../../services/control/lease-acquire.ts'
import { Unavailable } from '../../../services/errors.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { clockedLeases } from '../../fixtures/lease-control.ts'
import { runtimeScene } from '../../fixtures/runtime.ts'

t.test('taking a lease', async t => {
  const testApp = await buildTestApp(t)
  const { db } = testApp.database
  const scene = await runtimeScene(t, testApp, { runtime: null })
  const { deps, now } = clockedLeases(testApp.app)
  const leaseOf = async (runId: string) => await db.selectFrom('run_leases').selectAll().where('run_id', '=', runId).executeTakeFirst()
  const starting = (startForRun: LeaseAcquireDeps['control']['startForRun']): LeaseAcquireDeps => ({ ...deps, control: { startForRun } })

  await t.test('while its services start, a short lease holds for long; then for its own time', async t => {
    const runId = randomUUID()
    let meanwhile: Date | undefined
    const { answer } = await acquireLease(starting(async () => {
      meanwhile = (await leaseOf(runId))?.expires_at
      return null
    }), localBoard, scene.workspaceId, { runId, ttlSec: 1 })
    t.ok((meanwhile?.getTime() ?? 0) > now().getTime() + 600_000)
    t.ok(Date.parse(answer.expiresAt) <= now().getTime() + 1000)
  })

  await t.test('the run, the agent and the issue of the lease are those its services are started for', async t => {
    const [runId, agentId, issueId] = [randomUUID(), randomUUID(), randomUUID()]
    let owner: object | undefined
    const told = starting(async (_actor, _place, given) => { owner = given; return null })
    await acquireLease(told, localBoard, scene.workspaceId, { runId: runId.toUpperCase(), agentId, issueId })
    t.same(owner, { runId, agentId, issueId })
    await acquireLease(told, localBoard, scene.workspaceId, { runId })
    t.same(owner, { runId, agentId, issueId }, 'also when they are not told again')
  })

  await t.test('whatever goes wrong, a lease that was new is given back', async t => {
    const runId = randomUUID()
    const failing = starting(async () => { throw new Unavailable('The service is stopping.') })
    await t.rejects(acquireLease(failing, localBoard, scene.workspaceId, { runId }), { code: 'unavailable' })
    t.equal(await leaseOf(runId), undefined)
    await acquireLease(deps, localBoard, scene.workspaceId, { runId, ttlSec: 50 })
    await t.rejects(acquireLease(failing, localBoard, scene.workspaceId, { runId, ttlSec: 500 }), { code: 'unavailable' })
    t.ok(((await leaseOf(runId))?.expires_at.getTime() ?? 0) > now().getTime() + 400_000, 'one that was there is renewed all the same')
  })

  await t.test('a workspace of another host is not started here', async t => {
    const other = randomUUID()
    await db.insertInto('hosts').values({ id: other, name: 'other', instance_id: randomUUID(), pid: 1, data_dir: '/other' }).execute()
    const elsewhere = await runtimeScene(t, testApp, { runtime: null, stopsAtTheEnd: false })
    await db.updateTable('execution_workspaces').set({ host_id: other }).where('id', '=', elsewhere.workspaceId).execute()
    await t.rejects(acquireLease(deps, localBoard, elsewhere.workspaceId, { runId: other }), { code: 'unprocessable', detail: /another host/ })
    t.equal(await leaseOf(other), undefined)
  })
})

t.test('a lease is for an hour unless the request says otherwise', async t => {
  t.same(endOf({ runId: '' }, new Date(0)), new Date(3_600_000))
  t.same(endOf({ runId: '', ttlSec: 5 }, new Date(0)), new Date(5000))
})
