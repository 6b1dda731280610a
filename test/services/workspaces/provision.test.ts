/** The provision command: its environment, the script it runs, when it runs again. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { isolated, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'

test('provisioning', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('provisioning sees the workspace in its environment and runs the owner\'s copy of a script', async t => {
    const house = await workspaceHouse(t, db, { repository: { files: { 'setup.sh': 'echo "$BERTH_WORKSPACE_BRANCH $BERTH_WORKSPACE_CREATED $BERTH_WORKSPACE_REPO_ROOT $PWD" > provisioned\n' } } })
    const workspace = await isolated(house, { workspaceStrategy: { branchTemplate: 'env', provisionCommand: 'sh ./setup.sh' } })
    t.equal(await readFile(join(workspace.cwd ?? '', 'provisioned'), 'utf8'), `env true ${house.repository} ${workspace.cwd}\n`)
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
