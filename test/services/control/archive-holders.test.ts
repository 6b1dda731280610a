/** Leases and jobs keep a workspace; an admin may end them by force, and nothing else that blocks. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { agentOf, person } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { httpHouse, type HttpHouse } from '../../fixtures/http-workspaces.ts'

const runtimeConfig = { commands: [{ name: 'long', kind: 'job', command: 'echo begun > begun; sleep 300' }] }

/** A workspace with a job that runs, another in line, a lease, and a thought in it. */
async function busy ({ call, create }: HttpHouse) {
  const { body: made } = await create({ mode: 'isolated_workspace', name: 'busy' })
  const url = `/api/execution-workspaces/${made.id}`
  const runId = randomUUID()
  if ((await call('POST', `${url}/leases`, { runId })).status !== 201) throw new Error('no lease')
  const run = async (): Promise<string> => (await call('POST', `${url}/runtime-commands/run`, { workspaceCommandId: 'job:long' }, { headers: { prefer: 'respond-async' } })).body.operation.id
  const jobs = [await run(), await run()]
  await eventually(() => existsSync(join(made.cwd, 'begun')), 'the job begins')
  await eventually(async () => (await call('GET', `/api/workspace-operations/${jobs[1]}`)).body.status === 'queued', 'the other waits')
  await writeFile(join(made.cwd, 'thought.txt'), 'a thought\n')
  return { url, made, runId, jobs }
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`an archive is refused with the names of what runs, and force ends that (${kind})`, async t => {
    const house = await httpHouse(t, { kind, runtimeConfig, config: { maxJobs: 1 } })
    const { call, companyId, issue } = house
    const { url, made, runId, jobs } = await busy(house)
    const names = [new RegExp(runId), new RegExp(`long is running .*${jobs[0]}`), new RegExp(`long waits .*${jobs[1]}`)]
    t.match((await call('GET', `${url}/close-readiness`)).body, { state: 'blocked', blockingReasons: names, isDestructiveCloseAllowed: false })
    t.match(await call('POST', `${url}/archive`), { status: 409, body: { code: 'close_blocked', closeReadiness: { blockingReasons: names } } })

    for (const actor of [person(companyId), agentOf(companyId, randomUUID())]) {
      t.match(await call('POST', `${url}/archive?force=true`, undefined, { actor }), { status: 403 })
      t.match(await call('PATCH', `${url}?force=true`, { status: 'archived' }, { actor }), { status: 403 })
    }
    t.equal((await call('POST', `${url}/archive?force=true`, undefined, { actor: person(randomUUID(), 'owner') })).status, 404)
    t.match(await call('PATCH', `${url}?force=true`, { status: 'archived', name: 'never' }, { actor: person(companyId) }), { status: 403 }, 'and nothing of the request is applied')
    const issueId = await issue({ executionWorkspaceId: made.id })
    t.match(await call('POST', `${url}/archive?force=true`), { status: 409, body: { closeReadiness: { blockingReasons: [/open issue/, ...names] } } })
    t.equal((await call('GET', `/api/workspace-operations/${jobs[0]}`)).body.status, 'running', 'nothing is ended for an archive that does not come')
    await call('PUT', `${house.company}/issues/${issueId}`, { title: 'Fix the login page', status: 'done', projectId: house.projectId, executionWorkspaceId: made.id })

    const { status, body } = await call('POST', `${url}/archive?force=true`, undefined, { actor: person(companyId, 'admin') })
    t.equal(status, 200)
    const forced = { endedLeases: [{ runId }], cancelledOperationIds: jobs }
    t.match(body, { workspace: { status: 'archived' }, operation: { status: 'succeeded', metadata: { forced } } })
    for (const id of jobs) t.match((await call('GET', `/api/workspace-operations/${id}`)).body, { status: 'cancelled', metadata: { cancelledBy: { id: 'a-admin' } } })
    const { body: activity } = await call('GET', `${house.company}/activity?entityId=${made.id}`)
    const ofAction = (action: string) => activity.filter((entry: { action: string }) => entry.action === `execution_workspace.${action}`)
    t.match(ofAction('lease_released'), [{ details: { runId, forced: true } }])
    t.match(ofAction('updated').find((entry: { details: object }) => 'forced' in entry.details), { details: { status: 'archiving', forced }, actorId: 'a-admin' })
    t.match((await call('GET', `${url}/rescue`)).body.files.map(({ path }: { path: string }) => path), ['begun', 'thought.txt'], 'force passes over no rescue')
  })
}

t.test('force removes no more than an archive without it, and asks nothing of one that is archived', async t => {
  const house = await httpHouse(t)
  const { call, create, database } = house
  const { body: made } = await create({ mode: 'isolated_workspace' })
  const url = `/api/execution-workspaces/${made.id}`
  await writeFile(join(made.cwd, '.git'), 'gitdir: /nowhere\n')
  t.match(await call('POST', `${url}/archive?force=true`), { body: { workspace: { status: 'cleanup_failed', cleanupReason: /could not be inspected/ } } }, 'unknown is never safe')
  t.ok(existsSync(made.cwd))
  const elsewhere = await database.db.updateTable('execution_workspaces').set({ realized_path: house.repository }).where('id', '=', made.id).executeTakeFirst()
  t.equal(Number(elsewhere.numUpdatedRows), 1)
  t.match(await call('POST', `${url}/archive?force=true`), { body: { workspace: { status: 'cleanup_failed' } } }, 'a checkout is never removed')
  t.ok(existsSync(house.repository))

  const { body: other } = await create({ mode: 'isolated_workspace', name: 'other' })
  for (const force of ['', '?force=true', '?force=true']) t.match(await call('PATCH', `/api/execution-workspaces/${other.id}${force}`, { status: 'archived' }), { status: 200, body: { status: 'archived' } })
})
