/** The worktree of a new workspace: copied files, folders of a monorepo, branches that exist. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { commitAll, runGit, writeFiles } from '../../fixtures/git.ts'
import { isolated, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'

test('preparing worktrees', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

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
})
