/** Where commands may run: asked when each is started, so that a symlink put in place later opens no way out. */
import { mkdir, readFile, readdir, realpath, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createFolderRule } from '../../../services/process/folder-rule.ts'
import { exists } from '../../../services/workspaces/local-paths.ts'
import { exampleIds as ids } from '../../../openapi/example-ids.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { makeRepository, runGit } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('a folder counts by where it really lies', async t => {
  const root = await temporaryFolder(t)
  for (const folder of ['allowed/inside', 'allowed-not', 'outside', 'data/worktrees/x', 'data/logs', 'made/tree']) await mkdir(join(root, folder), { recursive: true })
  await symlink(join(root, 'outside'), join(root, 'allowed/way-out'))
  await symlink(join(root, 'allowed/inside'), join(root, 'outside/way-in'))
  await symlink(join(root, 'outside'), join(root, 'made/swapped'))
  const rule = createFolderRule({ allowedRoots: [join(root, 'allowed')], dataDir: join(root, 'data') })
  for (const folder of ['allowed', 'allowed/inside', 'outside/way-in', 'data/worktrees/x', 'missing']) await t.resolves(rule(join(root, folder), null), folder)
  await t.resolves(rule(join(root, 'made/tree'), join(root, 'made/tree')), 'the worktree made for the workspace')
  for (const folder of ['outside', 'allowed/way-out', 'allowed/../outside', 'allowed-not', 'data', 'data/logs', 'made/tree', '/']) {
    await t.rejects(rule(join(root, folder), null), { code: 'path_not_allowed', statusCode: 422 }, folder)
  }
  await t.rejects(rule(join(root, 'made/swapped'), join(root, 'made/swapped')), { code: 'path_not_allowed', detail: /leads to .*outside/ }, 'not what was put in its place')
  await t.resolves(createFolderRule({ allowedRoots: [], dataDir: join(root, 'data') })('/', null), 'without allowed roots any folder will do')
})

t.test('nothing is run, and no worktree is made, where a symlink leads out of the allowed roots', async t => {
  const inside = await realpath(await makeRepository(t))
  const root = dirname(inside)
  const outside = await realpath(await temporaryFolder(t))
  const note = `pwd >>'${outside}/ran'`
  const { call, dataDir } = await buildTestApp(t, { config: { allowedRoots: [root] } })
  const company = `/api/companies/${ids.company}`
  const project = `${company}/projects/${ids.project}`
  const commands = [
    { name: 'check', kind: 'job', command: note },
    { name: 'climb', kind: 'job', command: note, cwd: '../..' },
    { name: 'away', command: `${note}; sleep 600`, cwd: outside }
  ]
  await call('PUT', company, { name: 'Acme' })
  await call('PUT', project, { name: 'Site', executionWorkspacePolicy: { workspaceStrategy: { type: 'git_worktree', worktreeParentDir: `${root}/trees`, teardownCommand: note } } })
  await call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: inside, runtimeConfig: { commands } })
  const create = async (body: object) => (await call('POST', `${company}/execution-workspaces`, { projectId: ids.project, ...body })).body as { id: string, providerRef: string }
  const run = async (id: string, name: string) => await call('POST', `/api/execution-workspaces/${id}/runtime-commands/${name === 'service:away' ? 'start' : 'run'}`, { workspaceCommandId: name })
  const ran = async () => await exists(join(outside, 'ran'))

  const shared = await create({ mode: 'shared_workspace', name: 'shared' })
  const isolated = await create({ mode: 'isolated_workspace', name: 'isolated' })
  t.equal(isolated.providerRef, join(root, 'trees/isolated'))

  for (const name of ['job:climb', 'service:away']) {
    t.match(await run(shared.id, name), { status: 422, body: { code: /path_not_allowed|service_start_failed/, detail: /outside the allowed roots/ } }, name)
  }
  t.notOk(await ran(), 'a cwd of its own leads nobody out')
  t.match(await run(isolated.id, 'job:check'), { status: 200, body: { operation: { status: 'succeeded' } } })
  t.equal(await readFile(join(outside, 'ran'), 'utf8'), `${isolated.providerRef}\n`)
  await rm(join(outside, 'ran'))

  await t.test('in place of the worktree', async t => {
    await rename(isolated.providerRef, `${isolated.providerRef}.away`)
    await symlink(outside, isolated.providerRef)
    t.match(await run(isolated.id, 'job:check'), { status: 422, body: { code: 'path_not_allowed' } })
    await rm(isolated.providerRef)
    await rename(`${isolated.providerRef}.away`, isolated.providerRef)
  })

  await t.test('in place of the folder above it', async t => {
    await rename(join(root, 'trees'), join(root, 'trees.away'))
    await mkdir(join(outside, 'trees'))
    await symlink(join(outside, 'trees'), join(root, 'trees'))
    t.match(await run(isolated.id, 'job:check'), { status: 422, body: { code: 'path_not_allowed' } })
    t.match(await call('POST', `${company}/execution-workspaces`, { projectId: ids.project, mode: 'isolated_workspace', name: 'other' }), { status: 422, body: { code: 'path_not_allowed' } })
    t.same(await readdir(join(outside, 'trees')), [])
    await rm(join(root, 'trees'))
    await rename(join(root, 'trees.away'), join(root, 'trees'))
  })

  await t.test('in place of the checkout', async t => {
    await rename(inside, `${inside}.away`)
    runGit(outside, 'clone', '--quiet', `${inside}.away`, join(outside, 'stranger'))
    await symlink(join(outside, 'stranger'), inside)
    t.match(await run(shared.id, 'job:check'), { status: 422, body: { code: 'path_not_allowed', detail: /leads to/ } })
    t.match(await call('POST', `${company}/execution-workspaces`, { projectId: ids.project, mode: 'isolated_workspace', name: 'third', workspaceStrategy: { type: 'git_worktree' } }), { status: 422, body: { code: 'path_not_allowed' } })
    t.equal(runGit(join(outside, 'stranger'), 'worktree', 'list').split('\n').length, 1)
    await rm(inside)
    await rename(`${inside}.away`, inside)
  })

  t.notOk(await ran())
  t.match(await call('PATCH', `/api/execution-workspaces/${shared.id}`, { cwd: outside }), { status: 422, body: { code: 'path_not_allowed' } })
  t.match(await call('PATCH', `/api/execution-workspaces/${shared.id}`, { providerRef: dataDir }), { status: 422, body: { code: 'path_not_allowed' } })
  t.match(await call('PATCH', `/api/execution-workspaces/${shared.id}`, { repoUrl: `file://${outside}` }), { status: 422, body: { code: 'path_not_allowed' } })
})
