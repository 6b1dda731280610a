/** A worktree that is missing is attached again from its branch; lost commits are never papered over. */
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit, writeFiles } from '../../fixtures/git.ts'
import { isolated, operationsOf, problemOf, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'

test('attaching again', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('a missing worktree is attached again from its branch and provisioned again', async t => {
    const house = await workspaceHouse(t, db)
    const workspace = await isolated(house, { config: { provisionCommand: 'echo run >> runs' } })
    const path = String(workspace.providerRef)
    await writeFiles(path, { 'work.txt': 'x' })
    runGit(path, 'add', 'work.txt')
    runGit(path, '-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-qm', 'work')
    await rm(path, { recursive: true })
    t.notOk(await house.control.realizer.isReady(await rowOf(house, workspace.id)))
    const row = await house.control.realizer.ensureFiles(await rowOf(house, workspace.id))
    t.ok(await house.control.realizer.isReady(row))
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
})
