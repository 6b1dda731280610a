/** Making the files of workspaces with real git: new, reused, failed, finished after a crash, attached again. */
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit, writeFiles } from '../../fixtures/git.ts'
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

  await t.test('provisioning sees the workspace in its environment and runs the owner\'s copy of a script', async t => {
    const house = await workspaceHouse(t, db, { repository: { files: { 'setup.sh': 'echo "$BERTH_WORKSPACE_BRANCH $BERTH_WORKSPACE_CREATED $BERTH_WORKSPACE_REPO_ROOT $PWD" > provisioned\n' } } })
    const workspace = await isolated(house, { workspaceStrategy: { branchTemplate: 'env', provisionCommand: 'sh ./setup.sh' } })
    t.equal(await readFile(join(workspace.cwd ?? '', 'provisioned'), 'utf8'), `env true ${house.repository} ${workspace.cwd}\n`)
  })

  await t.test('files that git ignores are copied from the owner\'s checkout', async t => {
    const house = await workspaceHouse(t, db, { repository: { files: { '.gitignore': '.env*\n' } } })
    await writeFiles(house.repository, { '.env': 'SECRET=1\n', 'packages/a/.env.local': 'B=2\n' })
    const workspace = await isolated(house, { workspaceStrategy: { copyFiles: ['.env', '**/.env.local'] } })
    t.equal(await readFile(join(workspace.cwd ?? '', '.env'), 'utf8'), 'SECRET=1\n')
    t.equal(await readFile(join(workspace.cwd ?? '', 'packages/a/.env.local'), 'utf8'), 'B=2\n')
  })

  await t.test('a project workspace in a folder of its repository has its workspaces in the same folder', async t => {
    const house = await workspaceHouse(t, db, { repository: { files: { 'packages/app/index.js': '' } }, subPath: 'packages/app' })
    const workspace = await isolated(house)
    t.equal(workspace.cwd, join(String(workspace.providerRef), 'packages/app'))
  })

  await t.test('a branch that exists is attached as it is, never reset', async t => {
    const house = await workspaceHouse(t, db)
    runGit(house.repository, 'checkout', '-q', '-b', 'theirs')
    await writeFiles(house.repository, { 'theirs.txt': 'x' })
    const tip = commitAll(house.repository, 'theirs')
    runGit(house.repository, 'checkout', '-q', 'main')
    const workspace = await isolated(house, { workspaceStrategy: { branchTemplate: 'theirs' } })
    t.equal(runGit(String(workspace.cwd), 'rev-parse', 'HEAD'), tip)
    t.equal((await rowOf(house, workspace.id)).branch_created_by_runtime, false)
  })

  await t.test('a missing worktree is attached again from its branch and provisioned again', async t => {
    const house = await workspaceHouse(t, db)
    const workspace = await isolated(house, { config: { provisionCommand: 'echo run >> runs' } })
    const path = String(workspace.providerRef)
    await writeFiles(path, { 'work.txt': 'x' })
    runGit(path, 'add', 'work.txt')
    runGit(path, '-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-qm', 'work')
    await rm(path, { recursive: true })
    const row = await house.control.realizer.ensureFiles(await rowOf(house, workspace.id))
    t.equal(row.status, 'active')
    t.equal(await readFile(join(path, 'work.txt'), 'utf8'), 'x')
    t.equal(await readFile(join(path, 'runs'), 'utf8'), 'run\n')
    t.same(await operationsOf(house, workspace.id), ['worktree_prepare succeeded', 'workspace_provision succeeded', 'worktree_prepare succeeded', 'workspace_provision succeeded'])
    const same = await house.control.realizer.ensureFiles(row)
    t.equal(same.version, row.version, 'nothing is done when nothing is missing')
    t.equal((await operationsOf(house, workspace.id)).length, 4)
  })

  await t.test('a branch that is gone with its folder is an error that says so, unless the request allowed to make it anew', async t => {
    const house = await workspaceHouse(t, db)
    const lose = async (path: string, branch: string): Promise<void> => {
      runGit(house.repository, 'worktree', 'remove', '--force', path)
      runGit(house.repository, 'branch', '-D', branch)
    }
    const strict = await isolated(house, { workspaceStrategy: { branchTemplate: 'strict' } })
    await lose(String(strict.providerRef), 'strict')
    const problem = await problemOf(house.control.realizer.ensureFiles(await rowOf(house, strict.id)))
    t.match(problem, { code: 'branch_missing', statusCode: 422, members: { operationId: String } })
    t.notOk(existsSync(String(strict.providerRef)))
    t.equal((await rowOf(house, strict.id)).status, 'active')

    const lenient = await isolated(house, { workspaceStrategy: { branchTemplate: 'lenient' }, createMissingBranch: true })
    await lose(String(lenient.providerRef), 'lenient')
    await house.control.realizer.ensureFiles(await rowOf(house, lenient.id))
    t.equal(runGit(String(lenient.providerRef), 'rev-parse', 'HEAD'), lenient.baseSha)
  })

  await t.test('provisioning runs again before use only when its command, script or inputs changed', async t => {
    const house = await workspaceHouse(t, db, { repository: { files: { 'setup.sh': 'echo run >> runs\n', 'lock.txt': '1\n', '.gitignore': 'runs\n' } } })
    const workspace = await isolated(house, { workspaceStrategy: { provisionCommand: 'sh ./setup.sh', provisionInputs: ['lock.txt'] } })
    const path = String(workspace.providerRef)
    const runs = async (): Promise<number> => {
      await house.control.realizer.ensureFiles(await rowOf(house, workspace.id))
      return (await readFile(join(path, 'runs'), 'utf8')).split('\n').length - 1
    }
    t.equal(await runs(), 1, 'nothing changed')
    await writeFile(join(path, 'lock.txt'), '2\n')
    t.equal(await runs(), 2, 'an input changed')
    t.equal(await runs(), 2)
    await writeFile(join(house.repository, 'setup.sh'), 'echo more >> runs\n')
    t.equal(await runs(), 3, 'the owner\'s script changed')
    await writeFile(join(path, 'setup.sh'), 'echo evil >> runs\n')
    t.equal(await runs(), 3, 'the branch\'s own copy of the script does not count')
  })
})
