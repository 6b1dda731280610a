/** Queries on execution_workspaces: who has a worktree, who made it, and that two can not. */
import { randomUUID } from 'node:crypto'
import { test } from 'tap'
import { onBothDatabases } from '../fixtures/database.ts'
import { companyWithWorkspace } from '../fixtures/operations.ts'
import { listActivity } from '../../db/activity.ts'
import { upsertHost } from '../../db/hosts.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import { findWorkspace, findWorktreeHolders, findWorktreeMakers, insertWorkspace, listWorkspacesOfHost, touchWorkspace, updateWorkspace, useWorkspace } from '../../db/execution-workspaces.ts'
import type { NewRow } from '../../db/tables.ts'

test('execution workspaces in the database', async t => {
  await onBothDatabases(t, 'one live workspace has a worktree, unless it shares', async (t, { db }) => {
    const { companyId, projectId } = await companyWithWorkspace(db)
    const hostId = randomUUID()
    await upsertHost(db, { id: hostId, name: 'test', instanceId: randomUUID(), pid: 1, dataDir: '/data' })
    const row = (extra: Partial<NewRow<'execution_workspaces'>> = {}): NewRow<'execution_workspaces'> => ({
      id: randomUUID(), company_id: companyId, project_id: projectId, host_id: hostId, mode: 'isolated_workspace', strategy_type: 'git_worktree', provider_type: 'git_worktree', name: 'n', status: 'active', realized_path: '/w', branch_name: 'b', ...extra
    })
    const first = await insertWorkspace(db, row({ created_by_runtime: true, branch_created_by_runtime: true }))
    for (const status of ['active', 'provisioning', 'provision_failed', 'cleanup_failed'] as const) {
      const error: unknown = await insertWorkspace(db, row({ status })).then(() => null, (reason: unknown) => reason)
      t.equal(isUniqueViolation(error, 'execution_workspaces_one_per_worktree'), true, status)
    }
    const sharer = await insertWorkspace(db, row({ shares_worktree: true }))
    t.same((await findWorktreeHolders(db, hostId, '/w', first.id)).map(({ id }) => id), [sharer.id])
    t.equal((await findWorktreeHolders(db, hostId, '/w', null)).length, 2)
    t.equal((await findWorktreeHolders(db, randomUUID(), '/w', null)).length, 0, 'another host has other folders')

    const archived = await updateWorkspace(db, first.id, { status: 'archived' }, new Date(), { statuses: ['active'] })
    t.equal(archived?.version, first.version + 1)
    t.same((await findWorktreeHolders(db, hostId, '/w', null)).map(({ id }) => id), [sharer.id])
    t.same(await findWorktreeMakers(db, hostId, '/w', 'b'), { folder: true, branch: true }, 'an archived one still tells who made it')
    t.same(await findWorktreeMakers(db, hostId, '/w', 'c'), { folder: true, branch: false })
    t.same(await findWorktreeMakers(db, hostId, '/x', 'b'), { folder: false, branch: false })

    const second = await insertWorkspace(db, row({ status: 'provisioning' }))
    t.same((await listWorkspacesOfHost(db, hostId, ['provisioning', 'archiving'])).map(({ id }) => id), [second.id])
    await touchWorkspace(db, second.id, new Date('2030-01-01T00:00:00.000Z'))
    const touched = await updateWorkspace(db, second.id, {}, new Date())
    t.match(touched, { version: second.version + 1, last_used_at: new Date('2030-01-01T00:00:00.000Z') })
  })

  await onBothDatabases(t, 'a use, its config and its activity are written together or not at all', async (t, { db }) => {
    const { companyId, workspaceId: id } = await companyWithWorkspace(db)
    const before = await findWorkspace(db, id)
    const now = new Date('2030-01-01T00:00:00.000Z')
    const activity = (action: string): NewRow<'activity_log'> => ({ id: randomUUID(), company_id: companyId, actor_type: 'board', actor_id: 'user', action, entity_type: 'execution_workspace', entity_id: id, details: '{"n":1}', created_at: now })
    const written = async () => (await listActivity(db, companyId, { limit: 10, after: null })).map(({ action }) => action)

    const touched = await useWorkspace(db, id, { now, activity: activity('a') })
    t.same(touched, { ...before, last_used_at: now }, 'without a config the version stays')
    const changed = await useWorkspace(db, id, { now, activity: activity('b'), config: '{"desiredState":"running"}', version: before?.version })
    t.match(changed, { version: (before?.version ?? 0) + 1, updated_at: now, config: { desiredState: 'running' } })
    t.same(await written(), ['b', 'a'])
    t.match((await listActivity(db, companyId, { limit: 1, after: null }))[0], { actor_id: 'user', agent_id: null, entity_id: id, details: { n: 1 }, created_at: now })

    t.equal(await useWorkspace(db, id, { now: new Date(), activity: activity('c'), config: '{}', version: before?.version }), undefined)
    t.equal(await useWorkspace(db, randomUUID(), { now: new Date(), activity: activity('d') }), undefined)
    t.same(await findWorkspace(db, id), changed, 'in another version nothing is touched')
    t.same(await written(), ['b', 'a'])
  })
})
