/** Rounds of the sweeper over real workspaces: what goes, what stays and why, and that a dry run changes nothing. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { nobody, person } from '../../fixtures/app.ts'
import { runGit } from '../../fixtures/git.ts'
import { httpHouse, type HttpHouse } from '../../fixtures/http-workspaces.ts'
import { lives, web } from '../../fixtures/runtime.ts'

const past = '2026-01-10T12:00:00.000Z'

const sweep = async ({ call }: HttpHouse, query = '') => {
  const { status, body, text } = await call('POST', `/api/maintenance/sweep${query}`)
  if (status !== 200) throw new Error(text)
  return body.items as { workspaceId: string, rule: string, outcome: string, reason: string, operationId: string | null }[]
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`what is due is archived, once, with its work kept (${kind})`, async t => {
    const house = await httpHouse(t, { kind })
    const { call, create, issue } = house
    const make = async (name: string, patch: object = {}) => {
      const { body } = await create({ mode: 'isolated_workspace', name })
      if (Object.keys(patch).length > 0) await call('PATCH', `/api/execution-workspaces/${body.id}`, patch)
      return body
    }
    const due = await make('due', { cleanupEligibleAt: past })
    const later = await make('later', { cleanupEligibleAt: '2999-01-01T00:00:00.000Z' })
    const blocked = await make('blocked', { cleanupEligibleAt: past })
    await issue({ executionWorkspaceId: blocked.id })
    const held = await make('held', { cleanupEligibleAt: past })
    const runId = randomUUID()
    t.equal((await call('POST', `/api/execution-workspaces/${held.id}/leases`, { runId })).status, 201)
    await writeFile(join(due.cwd, 'notes.txt'), 'a thought\n')

    const dry = await sweep(house, '?dryRun=true')
    t.same(dry.map(({ workspaceId, rule, outcome, operationId }) => ({ workspaceId, rule, outcome, operationId })), [
      { workspaceId: due.id, rule: 'cleanup_eligible_at', outcome: 'would_archive', operationId: null },
      { workspaceId: blocked.id, rule: 'cleanup_eligible_at', outcome: 'skipped', operationId: null },
      { workspaceId: held.id, rule: 'cleanup_eligible_at', outcome: 'skipped', operationId: null }
    ])
    t.match(dry.map(({ reason }) => reason), [/cleanupEligibleAt/, /open issue/, new RegExp(runId)])
    t.match((await call('GET', `/api/execution-workspaces/${due.id}`)).body, { status: 'active', cleanupReason: null }, 'a dry run changes nothing')
    t.equal((await call('GET', `/api/execution-workspaces/${blocked.id}`)).body.cleanupReason, null)

    const done = await sweep(house)
    t.same(done.map(({ workspaceId, outcome }) => [workspaceId, outcome]), [[due.id, 'archived'], [blocked.id, 'skipped'], [held.id, 'skipped']])
    t.match((await call('GET', `/api/workspace-operations/${done[0]?.operationId}`)).body, { phase: 'worktree_cleanup', status: 'succeeded' })
    t.notOk(existsSync(due.cwd))
    t.match((await call('GET', `/api/execution-workspaces/${due.id}/rescue`)).body.files, [{ path: 'notes.txt', status: 'untracked' }])
    const told = (await call('GET', `/api/execution-workspaces/${blocked.id}`)).body
    t.match(told, { status: 'active', cleanupReason: /^Not archived by itself: .*open issue/ })
    t.equal((await sweep(house)).length, 2, 'what is archived is not looked at again')
    t.equal((await call('GET', `/api/execution-workspaces/${blocked.id}`)).body.version, told.version, 'the same reason is written once')
    t.equal((await call('GET', `/api/execution-workspaces/${later.id}`)).body.status, 'active')
    t.match((await call('GET', `/api/execution-workspaces/${held.id}`)).body, { status: 'active', cleanupReason: new RegExp(runId) })
  })

  t.test(`idle ones go by the policy of their project, but not while something runs; rescue snapshots by theirs (${kind})`, async t => {
    const house = await httpHouse(t, { kind, config: { stopServicesOnExit: true }, policy: { cleanupPolicy: { archiveIdleAfterSec: 0, retainRescueDays: 0 } } })
    const { call, create, repository } = house
    const { body: idle } = await create({ mode: 'isolated_workspace', name: 'idle' })
    const { body: busy } = await create({ mode: 'isolated_workspace', name: 'busy', config: { workspaceRuntime: { commands: [{ ...web, reuseScope: 'execution_workspace' }] } } })
    const started = await call('POST', `/api/execution-workspaces/${busy.id}/runtime-services/start`)
    const pid = started.body.workspace.runtimeServices[0].providerRef
    const refs = () => runGit(repository, 'for-each-ref', '--format=%(refname)', 'refs/berth')
    const items = await sweep(house)
    t.match(items, [
      { workspaceId: idle.id, rule: 'archive_idle', outcome: 'archived' },
      { workspaceId: busy.id, rule: 'archive_idle', outcome: 'skipped', reason: 'It is not idle: web still runs.' }
    ])
    t.match(refs(), idle.id)
    t.match((await sweep(house)).at(-1), { workspaceId: idle.id, rule: 'retain_rescue_days', outcome: 'rescue_dropped' })
    t.ok(lives(pid))
    t.equal(refs(), '')
    t.match((await call('GET', `/api/execution-workspaces/${idle.id}/rescue`)).body, { ref: null, files: [] })
    t.same((await sweep(house)).map(({ workspaceId }) => workspaceId), [busy.id], 'nothing is dropped twice')
    t.equal((await call('POST', `/api/execution-workspaces/${busy.id}/archive`)).body.workspace.status, 'archived')
    t.match(await sweep(house, '?dryRun=true'), [{ workspaceId: busy.id, outcome: 'would_drop_rescue' }])
    t.match(refs(), busy.id, 'a dry run drops nothing')
  })
}

t.test('a failed clean-up is tried again when its pause is over', async t => {
  const house = await httpHouse(t)
  const { body: made } = await house.create({ mode: 'isolated_workspace' })
  runGit(house.repository, 'worktree', 'lock', made.cwd)
  t.equal((await house.call('POST', `/api/execution-workspaces/${made.id}/archive`)).body.workspace.status, 'cleanup_failed')
  t.match(await sweep(house), [{ rule: 'retry_cleanup', outcome: 'skipped', reason: /failed once.*Not before/ }])
  await house.database.db.updateTable('workspace_operations').set({ finished_at: new Date(past) }).where('execution_workspace_id', '=', made.id).execute()
  t.match(await sweep(house), [{ rule: 'retry_cleanup', outcome: 'cleanup_failed' }])
  t.match(await sweep(house, '?dryRun=true'), [{ rule: 'retry_cleanup', outcome: 'skipped', reason: /2 times in a row/ }])
  runGit(house.repository, 'worktree', 'unlock', made.cwd)
  await house.database.db.updateTable('workspace_operations').set({ finished_at: new Date(past) }).where('execution_workspace_id', '=', made.id).execute()
  t.match(await sweep(house), [{ rule: 'retry_cleanup', outcome: 'archived' }])
})

t.test('only instance admins may, one round at a time, and bad input is told', async t => {
  const { call, companyId } = await httpHouse(t)
  t.equal((await call('POST', '/api/maintenance/sweep', undefined, { actor: nobody })).status, 401)
  t.equal((await call('POST', '/api/maintenance/sweep', undefined, { actor: person(companyId, 'owner') })).status, 403)
  t.equal((await call('POST', '/api/maintenance/sweep?dryRun=perhaps')).status, 400)
  t.equal((await call('POST', '/api/maintenance/sweep', { force: true })).status, 400)
  const rounds = await Promise.all(Array.from({ length: 5 }, async () => await call('POST', '/api/maintenance/sweep')))
  t.same([...new Set(rounds.map(({ status }) => status))].filter(status => status !== 409), [200], 'the others are told that one is under way')
})
