/** What a wanted status asks for, and changes that meet other changes. */
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { isolated, problemOf, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'
import { updateWorkspace } from '../../../db/execution-workspaces.ts'
import { transitionOf, type Archive } from '../../../services/control/workspace-update.ts'
import { CloseBlocked } from '../../../services/errors.ts'

test('what a wanted status asks for depends on the present one', async t => {
  t.equal(transitionOf({ status: 'active' }, undefined), 'none')
  t.equal(transitionOf({ status: 'active' }, 'active'), 'none')
  t.equal(transitionOf({ status: 'active' }, 'idle'), 'set')
  t.equal(transitionOf({ status: 'in_review' }, 'archived'), 'archive')
  t.equal(transitionOf({ status: 'cleanup_failed' }, 'archived'), 'archive')
  t.equal(transitionOf({ status: 'provision_failed' }, 'archived'), 'archive')
  t.equal(transitionOf({ status: 'archived' }, 'idle'), 'restore')
  t.equal(transitionOf({ status: 'archived' }, 'archived'), 'none')
  for (const [status, wanted, code] of [
    ['provisioning', 'archived', 'workspace_state_conflict'], ['archiving', 'active', 'workspace_state_conflict'], ['provision_failed', 'active', 'workspace_state_conflict'],
    ['active', 'cleanup_failed', 'status_not_settable'], ['cleanup_failed', 'cleanup_failed', 'status_not_settable']
  ] as const) t.match(await problemOf((async () => transitionOf({ status }, wanted))()), { code })
})

test('changes of a workspace', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('two changes at once are both kept, and counted', async t => {
    const house = await workspaceHouse(t, db)
    const { id, version } = await isolated(house)
    await Promise.all([
      house.control.update(house.actor, id, { config: { cleanupCommand: 'a' } }),
      house.control.update(house.actor, id, { config: { teardownCommand: 'b' } }),
      house.control.update(house.actor, id, { name: 'c' })
    ])
    t.match(await house.control.get(house.actor, id), { version: version + 3, name: 'c', config: { cleanupCommand: 'a', teardownCommand: 'b' } })
  })

  await t.test('of many changes at once none is refused, and one that fails holds up no other', async t => {
    const house = await workspaceHouse(t, db)
    const { id, version } = await isolated(house)
    const names = Array.from({ length: 20 }, (_, index) => `name ${index}`)
    const results = await Promise.allSettled([...names.map(async name => await house.control.update(house.actor, id, { name })), house.control.update(house.actor, id, { baseRef: '-x' }), house.control.update(house.actor, id, { name: 'last' })])
    t.same(results.flatMap((result, index) => result.status === 'rejected' ? [[index, result.reason.code]] : []), [[20, 'unprocessable']])
    t.match(await house.control.get(house.actor, id), { version: version + 21 })
  })

  await t.test('with If-Match only one of two changes at once is made', async t => {
    const house = await workspaceHouse(t, db)
    const { id, version } = await isolated(house)
    const results = await Promise.allSettled(['a', 'b'].map(async name => await house.control.update(house.actor, id, { name }, { ifMatch: `"${version}"` })))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    t.match(results.find(({ status }) => status === 'rejected'), { reason: { code: 'precondition_failed', statusCode: 412 } })
  })

  await t.test('a blocked close applies nothing of the request', async t => {
    const archived: string[] = []
    const archive: Archive = {
      requireClosable: async () => { throw new CloseBlocked('An issue is open.', { members: { closeReadiness: { state: 'blocked' } } }) },
      archive: async (_actor, id) => archived.push(id),
      restore: async () => {}
    }
    const house = await workspaceHouse(t, db, { archive })
    const { id, name } = await isolated(house)
    t.match(await problemOf(house.control.update(house.actor, id, { name: 'never', status: 'archived' })), { code: 'close_blocked', members: { closeReadiness: { state: 'blocked' } } })
    t.equal((await rowOf(house, id)).name, name)
    t.same(archived, [])
  })

  await t.test('a branch of another name is not one this service may delete; paths change nothing of what it may remove', async t => {
    const house = await workspaceHouse(t, db)
    const { id, cwd } = await isolated(house)
    await house.control.update(house.actor, id, { branchName: 'feature' })
    t.equal((await rowOf(house, id)).branch_created_by_runtime, true, 'the same name is no change')
    await house.control.update(house.actor, id, { branchName: 'main', cwd: house.repository, providerRef: house.repository })
    t.match(await rowOf(house, id), { branch_created_by_runtime: false, branch_name: 'main', cwd: house.repository, provider_ref: house.repository, realized_path: cwd, created_by_runtime: true })
    await house.control.update(house.actor, id, { cwd: String(cwd), providerRef: String(cwd) })
    t.equal((await rowOf(house, id)).cwd, cwd, 'its own worktree is always right, also in the data dir')
  })

  await t.test('an update for another version changes nothing', async t => {
    const house = await workspaceHouse(t, db)
    const { id, version } = await isolated(house)
    t.equal(await updateWorkspace(db, id, { name: 'x' }, new Date(), { version: version - 1 }), undefined)
    t.equal(await updateWorkspace(db, id, { name: 'x' }, new Date(), { statuses: ['archived'] }), undefined)
    t.equal((await updateWorkspace(db, id, { name: 'x' }, new Date(), { version }))?.version, version + 1)
  })
})
