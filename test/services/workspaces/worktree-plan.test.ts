/** Where a worktree goes and what stands in its way: real repositories, nothing changed by looking. */
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { addTestWorktree, runGit } from '../../fixtures/git.ts'
import { isolated, problemOf, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'
import { createWorktreePlanner, type WorktreePlanner } from '../../../services/workspaces/worktree-plan.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

test('planning worktrees', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('a folder that is there is used only when git says it is this branch\'s worktree', async t => {
    const house = await workspaceHouse(t, db)
    const folder = (branch: string): string => join(house.worktrees, branch)
    const strategy = (branchTemplate: string) => ({ workspaceStrategy: { branchTemplate } })
    await mkdir(folder('plain'), { recursive: true })
    t.match(await problemOf(isolated(house, strategy('plain'))), { code: 'worktree_mismatch', statusCode: 422 })
    runGit(house.repository, 'worktree', 'add', '-q', '-b', 'another', folder('occupied'))
    t.match(await problemOf(isolated(house, strategy('occupied'))), { code: 'worktree_mismatch', detail: /on another/ })
    runGit(house.repository, 'worktree', 'add', '-q', '--detach', folder('loose'))
    t.match(await problemOf(isolated(house, strategy('loose'))), { code: 'worktree_mismatch', detail: /detached/ })
    t.equal(runGit(folder('loose'), 'status', '--porcelain'), '')
    runGit(house.repository, 'worktree', 'add', '-q', '-b', 'ready', folder('ready'))
    const used = await isolated(house, strategy('ready'))
    t.match(await rowOf(house, used.id), { realized_path: folder('ready'), created_by_runtime: false, branch_created_by_runtime: false })
  })

  await t.test('a branch that is checked out elsewhere is used where it is', async t => {
    const house = await workspaceHouse(t, db)
    const path = addTestWorktree(house.repository, 'elsewhere')
    t.equal((await isolated(house, { workspaceStrategy: { branchTemplate: 'elsewhere' } })).cwd, path)
    t.match(await problemOf(isolated(house, { workspaceStrategy: { branchTemplate: 'elsewhere', worktreeParentDir: '../other' } })), { code: 'worktree_taken', statusCode: 409 })
  })

  await t.test('a project workspace that is itself a linked worktree leads to the owner repository', async t => {
    const house = await workspaceHouse(t, db)
    const linked = addTestWorktree(house.repository, 'standing')
    await db.updateTable('project_workspaces').set({ cwd: linked }).where('id', '=', house.projectWorkspaceId).execute()
    const made = await isolated(house, { workspaceStrategy: { worktreeParentDir: '.trees' } })
    t.equal(made.cwd, join(house.repository, '.trees/feature'))
    t.equal((await rowOf(house, made.id)).repo_root, house.repository)
    t.match(await problemOf(isolated(house, { workspaceStrategy: { branchTemplate: 'standing' } })), { code: 'worktree_taken' }, 'never the project workspace itself')
  })

  await t.test('the other workspace is named, but not to another company', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house)
    const planner = createWorktreePlanner({ db, git: house.git, hostId: house.hostId, dataDir: house.dataDir, allowedRoots: [] })
    const wish = { companyId: house.companyId, projectId: house.projectId, workspaceId: null, checkout: house.repository, branch: 'feature', strategy: { type: 'git_worktree' as const }, reuse: false }
    t.match(await problemOf(planner.plan(wish)), { members: { workspaceId: made.id } })
    const stranger = await problemOf(planner.plan({ ...wish, companyId: house.projectId }))
    t.equal(stranger.members['workspaceId'], undefined)
    t.notMatch(stranger.detail, new RegExp(made.id))
    t.equal((await planner.plan({ ...wish, workspaceId: made.id })).kind, 'reuse', 'it is not in its own way')
  })

  await t.test('places outside the allowed roots are refused, also behind a symlink', async t => {
    const outside = await temporaryFolder(t)
    const house = await workspaceHouse(t, db, { allowedRoots: ['/nonexistent-root'] })
    const planner: WorktreePlanner = createWorktreePlanner({ db, git: house.git, hostId: house.hostId, dataDir: house.dataDir, allowedRoots: [join(house.repository, '..')] })
    const plan = (worktreeParentDir: string | null) => planner.plan({ companyId: house.companyId, projectId: house.projectId, workspaceId: null, checkout: house.repository, branch: 'b', strategy: { type: 'git_worktree', worktreeParentDir }, reuse: false })
    t.match(await problemOf(plan(outside)), { code: 'path_not_allowed', statusCode: 422 })
    await symlink(outside, join(house.repository, '../way-out'))
    t.match(await problemOf(plan('../way-out')), { code: 'path_not_allowed' })
    t.equal((await plan('../trees')).path, join(house.repository, '../trees/b'))
    t.equal((await plan(null)).path, join(house.worktrees, 'b'), 'the data dir is always allowed')
  })

  await t.test('what is no usable repository is a 422 that says why', async t => {
    const unborn = await workspaceHouse(t, db, { repository: { unborn: true } })
    t.match(await problemOf(isolated(unborn)), { code: 'repository_unusable', statusCode: 422, detail: /no commit/ })
    const plain = await temporaryFolder(t)
    await db.updateTable('project_workspaces').set({ cwd: plain }).where('id', '=', unborn.projectWorkspaceId).execute()
    t.match(await problemOf(isolated(unborn)), { code: 'repository_unusable' })
    await db.updateTable('project_workspaces').set({ cwd: join(plain, 'gone') }).where('id', '=', unborn.projectWorkspaceId).execute()
    t.match(await problemOf(isolated(unborn)), { code: 'no_local_path' })
    await db.updateTable('project_workspaces').set({ cwd: null, repo_url: 'https://example.invalid/x.git' }).where('id', '=', unborn.projectWorkspaceId).execute()
    t.match(await problemOf(isolated(unborn)), { code: 'no_local_path', statusCode: 422, detail: /cloning/ })
    t.same(await db.selectFrom('execution_workspaces').select('id').where('company_id', '=', unborn.companyId).execute(), [])
  })
})
