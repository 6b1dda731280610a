/** Creations that a crash or the service's end cut off: finished at the next start, or marked, never left half made. */
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { runGit, writeFiles } from '../../fixtures/git.ts'
import { isolated, operationsOf, problemOf, restarted, rowOf, workspaceHouse, type House } from '../../fixtures/workspaces.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'

/** Puts a finished workspace back to how its row was while it was being made. */
async function backToProvisioning (house: House, id: string, changes: object = {}): Promise<void> {
  await house.db.updateTable('execution_workspaces').set({ status: 'provisioning', provision_fingerprint: null, ...changes }).where('id', '=', id).execute()
}

async function setOperations ({ db }: House, id: string, status: 'interrupted' | 'failed'): Promise<void> {
  await db.updateTable('workspace_operations').set({ status }).where('execution_workspace_id', '=', id).execute()
}

test('interrupted creations', async t => {
  const { db } = await openTestDatabase(t, 'pglite')

  await t.test('cut off before anything was made: made from the start', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house)
    runGit(house.repository, 'worktree', 'remove', String(made.cwd))
    runGit(house.repository, 'branch', '-D', 'feature')
    await db.deleteFrom('workspace_operations').where('execution_workspace_id', '=', made.id).execute()
    await backToProvisioning(house, made.id, { cwd: null, provider_ref: null, created_by_runtime: false, branch_created_by_runtime: false })
    t.match(await house.control.finishProvisioning(await rowOf(house, made.id)), { outcome: 'active', reason: null })
    t.match(await rowOf(house, made.id), { status: 'active', cwd: made.cwd, created_by_runtime: true })
    t.ok(existsSync(join(String(made.cwd), 'README.md')))
  })

  await t.test('cut off while git filled the folder: what was begun is taken back and made again', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house)
    const path = String(made.cwd)
    await writeFile(join(house.repository, '.git/worktrees/feature/locked'), 'initializing\n')
    await rm(join(path, 'README.md'))
    await setOperations(house, made.id, 'interrupted')
    await backToProvisioning(house, made.id, { cwd: null, provider_ref: null })
    t.match(await house.control.finishProvisioning(await rowOf(house, made.id)), { outcome: 'active' })
    t.equal(runGit(path, 'status', '--porcelain'), '')
    t.notOk(existsSync(join(house.repository, '.git/worktrees/feature/locked')))
    t.match(await rowOf(house, made.id), { status: 'active', created_by_runtime: true, branch_created_by_runtime: true })
  })

  await t.test('cut off while it was provisioned: the worktree is kept, the command runs again', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house, { config: { provisionCommand: 'echo run >> runs' } })
    await writeFiles(String(made.cwd), { 'mine.txt': 'x' })
    await backToProvisioning(house, made.id)
    t.match(await house.control.finishProvisioning(await rowOf(house, made.id)), { outcome: 'active' })
    t.equal(await readFile(join(String(made.cwd), 'runs'), 'utf8'), 'run\nrun\n')
    t.ok(existsSync(join(String(made.cwd), 'mine.txt')))
    t.same(await operationsOf(house, made.id), ['worktree_prepare succeeded', 'workspace_provision succeeded', 'workspace_provision succeeded'])
  })

  await t.test('a worktree that was there before is not removed when finishing fails', async t => {
    const house = await workspaceHouse(t, db)
    const path = join(house.dataDir, '../theirs-' + house.projectId)
    t.teardown(() => rm(path, { recursive: true, force: true }))
    runGit(house.repository, 'worktree', 'add', '-q', '-b', 'theirs', path)
    const made = await isolated(house, { workspaceStrategy: { branchTemplate: 'theirs' } })
    t.match(await rowOf(house, made.id), { realized_path: path, created_by_runtime: false })
    await backToProvisioning(house, made.id, { config: JSON.stringify({ provisionCommand: 'exit 1' }) })
    t.match(await house.control.finishProvisioning(await rowOf(house, made.id)), { outcome: 'provision_failed', reason: /exited with 1/ })
    t.ok(existsSync(join(path, 'README.md')))
    t.equal(runGit(path, 'rev-parse', '--abbrev-ref', 'HEAD'), 'theirs')
  })

  await t.test('what was cut off three times is given up, with nothing left', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house, { config: { provisionCommand: 'true' } })
    for (let ended = 0; ended < 3; ended++) {
      await backToProvisioning(house, made.id)
      const op = await house.recorder.begin({ companyId: house.companyId, executionWorkspaceId: made.id, projectWorkspaceId: null, heartbeatRunId: null, phase: 'workspace_provision', command: null, cwd: null })
      await op.finish({ status: 'interrupted' })
    }
    t.match(await house.control.finishProvisioning(await rowOf(house, made.id)), { outcome: 'provision_failed', reason: /3 times/ })
    t.notOk(existsSync(String(made.cwd)))
    t.equal(runGit(house.repository, 'branch', '--list', 'feature'), '')
  })

  await t.test('the service\'s own end leaves the workspace to its next start', async t => {
    const house = await workspaceHouse(t, db)
    const creating = problemOf(isolated(house, { config: { provisionCommand: 'test -e go || { touch ready; sleep 60; }' } }))
    const path = join(house.worktrees, 'feature')
    await eventually(() => existsSync(join(path, 'ready')), 'the provision command has started')
    await house.recorder.endAll(new ServiceStopping(), 10_000)
    const problem = await creating
    t.match(problem, { statusCode: 503, code: 'unavailable' })
    const id = String(problem.members['workspaceId'])
    t.equal((await rowOf(house, id)).status, 'provisioning')
    t.ok(existsSync(path))
    await writeFile(join(path, 'go'), '')
    const { control } = await restarted(house)
    t.match(await control.finishProvisioning(await rowOf(house, id)), { outcome: 'active' })
  })

  await t.test('a workspace that is not being made is left alone', async t => {
    const house = await workspaceHouse(t, db)
    const made = await isolated(house)
    t.match(await problemOf(house.control.realizer.realize(await rowOf(house, made.id))), { code: 'workspace_state_conflict' })
    t.ok(existsSync(String(made.cwd)))
  })
})
