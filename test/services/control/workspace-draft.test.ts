/** What is decided about a workspace before it is made: config, name, bases that only the remote has. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit, writeFiles } from '../../fixtures/git.ts'
import { isolated, issueIn, problemOf, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'

test('drafts', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('an issue brings its mode, strategy and runtime config; the request has the last word', async t => {
    const house = await workspaceHouse(t, db, { policy: { enabled: true, defaultMode: 'shared_workspace', workspaceStrategy: { provisionCommand: 'touch provisioned' } } })
    const workspaceRuntime = { commands: [{ name: 'web', command: 'x' }] }
    const sourceIssueId = await issueIn(house, { executionWorkspaceSettings: { mode: 'isolated', workspaceStrategy: { branchTemplate: 'issue/{{slug}}' }, workspaceRuntime } })
    const made = await house.control.create(house.actor, house.companyId, { projectId: house.projectId, sourceIssueId })
    t.match(made, { mode: 'isolated_workspace', branchName: 'issue/fix-the-login-page', name: 'ACME-7 Fix the login page', config: { workspaceRuntime } })
    t.ok(existsSync(join(String(made.cwd), 'provisioned')), "the policy's provision command counts where nobody else has one")
    t.match(await house.control.commands(house.actor, made.id), [{ id: 'service:web', source: { type: 'execution_workspace' } }])
    const plain = await house.control.create(house.actor, house.companyId, { projectId: house.projectId, sourceIssueId, mode: 'shared_workspace', config: { workspaceRuntime: null } })
    t.match(plain, { mode: 'shared_workspace', config: null, cwd: house.repository, branchName: null })
  })

  await t.test('work of an adapter has no files here', async t => {
    const house = await workspaceHouse(t, db)
    const made = await house.control.create(house.actor, house.companyId, { projectId: house.projectId, mode: 'cloud_sandbox', name: 'away' })
    t.match(made, { status: 'active', strategyType: 'cloud_sandbox', providerType: 'cloud_sandbox', cwd: null, hostId: null, providerRef: null })
  })

  await t.test('a base that only the remote has is fetched, and its newest commit is taken', async t => {
    const house = await workspaceHouse(t, db, { repository: { remote: true } })
    const origin = join(house.repository, '../origin.git')
    const other = join(house.repository, '../other')
    runGit(house.repository, 'clone', '-q', origin, other)
    runGit(other, 'config', 'user.name', 'a')
    runGit(other, 'config', 'user.email', 'a@b.invalid')
    runGit(other, 'checkout', '-q', '-b', 'release')
    await writeFiles(other, { 'x.txt': '1' })
    const first = commitAll(other, 'release')
    runGit(other, 'push', '-q', 'origin', 'release')
    t.match(await isolated(house, { name: 'one', workspaceStrategy: { baseRef: 'origin/release' } }), { baseRef: 'origin/release', baseSha: first })
    await writeFiles(other, { 'x.txt': '2' })
    const second = commitAll(other, 'more')
    runGit(other, 'push', '-q', 'origin', 'release')
    const made = await isolated(house, { name: 'two', workspaceStrategy: { baseRef: 'origin/release' } })
    t.equal(made.baseSha, second)
    t.equal((await rowOf(house, made.id)).base_sha, second)
    t.throws(() => runGit(String(made.cwd), 'rev-parse', '--abbrev-ref', '@{upstream}'), /upstream/, 'the branch tracks nothing')
  })

  await t.test('a project without a workspace, or with a policy that names a wrong one, is told so', async t => {
    const house = await workspaceHouse(t, db, { policy: { defaultProjectWorkspaceId: '99999999-9999-4999-8999-999999999999' } })
    t.match(await problemOf(isolated(house)), { code: 'invalid_reference', detail: /policy/ })
    await db.updateTable('projects').set({ execution_workspace_policy: null }).where('id', '=', house.projectId).execute()
    await db.deleteFrom('project_workspaces').where('id', '=', house.projectWorkspaceId).execute()
    t.match(await problemOf(isolated(house)), { code: 'invalid_reference', statusCode: 422 })
  })
})
