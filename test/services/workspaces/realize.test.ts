/** Making the files of workspaces with real git: made and recorded, or undone without a trace. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'
import { isolated, issueIn, operationsOf, problemOf, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'

test('realizing workspaces', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('an isolated workspace is a worktree on its own branch, made from the base, recorded as made here', async t => {
    const house = await workspaceHouse(t, db)
    const sourceIssueId = await issueIn(house)
    const head = runGit(house.repository, 'rev-parse', 'HEAD')
    const workspace = await isolated(house, { sourceIssueId })
    const path = join(house.worktrees, 'ACME-7-fix-the-login-page')
    t.match(workspace, {
      status: 'active', branchName: 'ACME-7-fix-the-login-page', cwd: path, providerRef: path, baseRef: 'HEAD', baseSha: head, hostId: house.hostId, strategyType: 'git_worktree', providerType: 'git_worktree', metadata: { createdByRuntime: true }, name: 'feature'
    })
    t.equal(runGit(path, 'rev-parse', '--abbrev-ref', 'HEAD'), 'ACME-7-fix-the-login-page')
    t.equal(runGit(path, 'status', '--porcelain'), '')
    const row = await rowOf(house, workspace.id)
    t.match(row, { realized_path: path, repo_root: house.repository, created_by_runtime: true, branch_created_by_runtime: true })
    t.same(await operationsOf(house, workspace.id), ['worktree_prepare succeeded'])
    const issue = await db.selectFrom('issues').select('execution_workspace_id').where('id', '=', sourceIssueId).executeTakeFirstOrThrow()
    t.equal(issue.execution_workspace_id, workspace.id)
  })

  await t.test('a failing provision command leaves nothing but the failed row, and the problem names the operation', async t => {
    const house = await workspaceHouse(t, db)
    const sourceIssueId = await issueIn(house)
    const before = runGit(house.repository, 'for-each-ref')
    const problem = await problemOf(isolated(house, { sourceIssueId, workspaceStrategy: { branchTemplate: 'deep/er/x', provisionCommand: 'touch made; echo first; echo "no such tool" >&2; exit 3' } }))
    t.match(problem, { code: 'provision_failed', statusCode: 422, members: { exitCode: 3, lastLines: ['no such tool'] } })
    const id = String(problem.members['workspaceId'])
    const row = await rowOf(house, id)
    t.match(row, { status: 'provision_failed', realized_path: null, cwd: null, provider_ref: null, created_by_runtime: false, branch_created_by_runtime: false })
    t.match(row.cleanup_reason, /exited with 3/)
    t.equal(runGit(house.repository, 'for-each-ref'), before, 'no branch stays')
    t.equal(runGit(house.repository, 'worktree', 'list').split('\n').length, 1, 'git knows no worktree')
    t.notOk(existsSync(join(house.worktrees, 'deep')), 'no folder stays, not even an empty one')
    t.same(await operationsOf(house, id), ['worktree_prepare succeeded', 'workspace_provision failed'])
    const failed = await db.selectFrom('workspace_operations').select('id').where('execution_workspace_id', '=', id).where('status', '=', 'failed').executeTakeFirstOrThrow()
    t.equal(problem.members['operationId'], failed.id)
    const issue = await db.selectFrom('issues').select('execution_workspace_id').where('id', '=', sourceIssueId).executeTakeFirstOrThrow()
    t.equal(issue.execution_workspace_id, null, 'the issue is not linked to a workspace that was never made')
    const again = await isolated(house, { workspaceStrategy: { branchTemplate: 'deep/er/x' } })
    t.equal(again.status, 'active', 'the place is free again')
  })

  await t.test('a provision command that commits keeps its branch, and the row says so', async t => {
    const house = await workspaceHouse(t, db)
    const problem = await problemOf(isolated(house, { workspaceStrategy: { branchTemplate: 'kept', provisionCommand: 'echo x > x && git add x && git -c user.name=a -c user.email=a@b.c commit -qm x && exit 1' } }))
    const row = await rowOf(house, String(problem.members['workspaceId']))
    t.match(row, { status: 'provision_failed', realized_path: null, branch_created_by_runtime: true })
    t.match(row.cleanup_reason, /branch kept is kept/)
    t.equal(runGit(house.repository, 'log', '-1', '--format=%s', 'kept'), 'x')
  })
})
