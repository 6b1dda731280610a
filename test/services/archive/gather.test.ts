/** The facts of real workspaces: what is linked, what runs, what would go, which commands count. */
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { closeCommands, gatherFacts, judgeRemoval, workspacePathOf } from '../../../services/archive/gather.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit, writeFiles } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const { db } = await openTestDatabase(t, 'pglite')
const { deps, repo, companyId, projectId, projectWorkspaceId, hostId, dataDir, addWorkspace, addRow, read } = await makeHarbour(t, { db })

t.test('commands: the workspace, the project workspace, then the teardown of the nearest', async t => {
  const row = { config: null, strategy: null, strategy_type: 'git_worktree' } as const
  const config = { provisionCommand: null, cleanupCommand: 'own', teardownCommand: null, workspaceRuntime: null, desiredState: null, serviceStates: null }
  const policy = { workspaceStrategy: { teardownCommand: 'of the policy' } }
  t.same(closeCommands(row, null, null), [])
  t.same(closeCommands({ ...row, config }, { cleanup_command: 'project' }, policy).map(({ source, command }) => [source, command]),
    [['execution_workspace', 'own'], ['project_workspace', 'project'], ['strategy', 'of the policy']])
  const teardown = (changes: object) => closeCommands({ ...row, ...changes }, null, policy).map(({ command }) => command)
  t.same(teardown({ strategy: { teardownCommand: 'when it was made' } }), ['when it was made'], 'what it was made with comes before what the policy says now')
  t.same(teardown({ strategy: { teardownCommand: null } }), [], 'and may be: none')
  t.same(teardown({ config: { ...config, cleanupCommand: null, teardownCommand: 'own' }, strategy: { teardownCommand: 'made with' } }), ['own'])
})

t.test('a worktree with work in it', async t => {
  const { id, path } = await addWorkspace('facts')
  await writeFile(join(path, 'new.txt'), '1')
  await writeFile(join(path, 'README.md'), 'changed\n')
  const linked = { company_id: companyId, title: 'Work', execution_workspace_id: id }
  await db.insertInto('issues').values([{ ...linked, id: randomUUID(), status: 'done', created_at: new Date(1) }, { ...linked, id: randomUUID(), status: 'blocked', created_at: new Date(2) }]).execute()
  const lease = { company_id: companyId, execution_workspace_id: id }
  const [runId, later] = [randomUUID(), new Date(Date.now() + 60_000)]
  await db.insertInto('run_leases').values([
    { ...lease, id: randomUUID(), run_id: runId, expires_at: later },
    { ...lease, id: randomUUID(), run_id: randomUUID(), expires_at: new Date(0) },
    { ...lease, id: randomUUID(), run_id: randomUUID(), expires_at: later, released_at: new Date() }
  ]).execute()
  const facts = await gatherFacts(deps, await read(id))
  t.match(facts, {
    isProjectPrimaryWorkspace: false,
    leaseRunIds: [runId],
    linkedIssues: [{ isTerminal: true }, { isTerminal: false }],
    problems: [],
    removal: { kind: 'worktree', path },
    git: { dirtyEntryCount: 1, untrackedEntryCount: 1, checkedOutBranch: 'facts', createdByRuntime: true }
  })
  t.equal(facts.leaseRunIds.length, 1, 'neither one that is over nor one that was released')
})

t.test('of ignored entries those are counted that the snapshot takes along', async t => {
  const { id, path } = await addWorkspace('ignored')
  await writeFiles(path, { '.gitignore': 'ignored/\n.env\n*.log\n', '.env': 'A=1\n', 'x.log': 'l\n', 'ignored/i': 'i\n', 'ignored/.env': 'B=1\n' })
  t.match(await gatherFacts(deps, await read(id)), { git: { ignoredEntryCount: 3 }, keptIgnoredCount: 1 })
})

t.test('git is null where nothing points at git, and a problem where it should be', async t => {
  const plain = await temporaryFolder(t)
  const nowhere = await addRow({ provider_type: 'adapter_managed', strategy_type: 'adapter_managed', mode: 'adapter_managed' })
  t.equal((await gatherFacts(deps, await read(nowhere))).git, null)
  const shared = { provider_type: 'local_fs', strategy_type: 'project_primary', mode: 'shared_workspace' } as const
  t.equal((await gatherFacts(deps, await read(await addRow({ ...shared, cwd: plain })))).git, null)
  const checkout = await gatherFacts(deps, await read(await addRow({ ...shared, cwd: repo })))
  t.match(checkout, { git: { checkedOutBranch: 'main' }, isProjectPrimaryWorkspace: true, removal: { kind: 'none' } }, 'a checkout points at git by itself')

  const fake = join(dataDir, 'worktrees', 'fake')
  await mkdir(fake, { recursive: true })
  const unreadable = await gatherFacts(deps, await read(await addRow({ cwd: fake, realized_path: fake, repo_root: repo, created_by_runtime: true })))
  t.equal(unreadable.removal.kind, 'refuse', 'what can not be inspected is never deleted')
  t.ok(unreadable.problems.length > 0)

  const lost = await addWorkspace('unknown-base', { base_ref: 'no-such-base' })
  const unknown = await gatherFacts(deps, await read(lost.id))
  t.match(unknown, { git: { isMergedIntoBase: null, mergeEvidence: null, aheadCount: null }, problems: [/no-such-base/], removal: { kind: 'worktree' } })
})

t.test('jobs keep a workspace, other operations are told, and the size is what was measured last', async t => {
  const { id } = await addWorkspace('working', { disk_bytes: 4096, disk_measured_at: new Date(0) })
  const operation = (status: 'running' | 'queued' | 'succeeded', metadata: object) => ({
    id: randomUUID(), company_id: companyId, execution_workspace_id: id, phase: 'workspace_provision' as const, status, command: 'a command', metadata: JSON.stringify(metadata)
  })
  const job = (name: string) => ({ action: 'run', workspaceCommandKind: 'job', workspaceCommandName: name })
  await db.insertInto('workspace_operations').values([
    operation('running', job('test')), operation('queued', job('build')), operation('succeeded', job('done')),
    operation('running', { action: 'start', workspaceCommandKind: 'service', workspaceCommandName: null }), operation('running', { action: 'archive' })
  ]).execute()
  t.match(await gatherFacts(deps, await read(id)), {
    jobs: [{ name: 'test', status: 'running' }, { name: 'build', status: 'queued' }],
    underWay: [{ name: 'a command' }],
    disk: { bytes: 4096, measuredAt: new Date(0) }
  })
  t.equal((await gatherFacts(deps, await read(id))).underWay.length, 1, 'an archive does not wait for itself')
})

t.test('a session that borrows services stops those of its own only, and lets go of the others', async t => {
  const id = await addRow({ provider_type: 'local_fs', strategy_type: 'project_primary', mode: 'shared_workspace', cwd: repo })
  const service = (name: string, workspaceId: string | null, reuseKey: string | null) => ({
    id: randomUUID(),
    company_id: companyId,
    project_id: projectId,
    project_workspace_id: projectWorkspaceId,
    execution_workspace_id: workspaceId,
    scope_type: 'project_workspace' as const,
    service_name: name,
    status: 'running' as const,
    lifecycle: reuseKey === null ? 'ephemeral' as const : 'shared' as const,
    reuse_key: reuseKey,
    identity_key: name,
    provider: 'local_process' as const,
    health_status: 'unknown' as const,
    host_id: hostId
  })
  await db.insertInto('runtime_services').values([service('theirs', null, 'theirs'), service('own', id, null)]).execute()
  await db.insertInto('runtime_service_uses').values({ reuse_key: 'theirs', execution_workspace_id: id, project_workspace_id: null }).execute()
  const facts = await gatherFacts(deps, await read(id))
  t.same([facts.stopping, facts.handedOver].map(services => services.map(({ serviceName }) => serviceName)), [['own'], []])
})

t.test('removal is judged against every project workspace and every other live folder', async t => {
  const { id, path } = await addWorkspace('judged')
  const ask = async () => await judgeRemoval(deps, await read(id))
  t.match(await ask(), { ok: true, realPath: path })
  const inner = await addRow({ realized_path: join(path, 'inner'), name: 'inner one' })
  t.match(await ask(), { ok: false, code: 'protected', reason: /inner one/ })
  await db.updateTable('execution_workspaces').set({ status: 'archived' }).where('id', '=', inner).execute()
  t.match(await ask(), { ok: true })
  await db.updateTable('execution_workspaces').set({ realized_path: join(repo, '.git', 'worktrees') }).where('id', '=', id).execute()
  t.match(await ask(), { ok: false, code: 'protected', reason: /git directory/ })
  t.equal(runGit(repo, 'rev-parse', '--is-inside-work-tree'), 'true')
})

t.test('the files are where they were made, else where the row says', async t => {
  const row = await read(await addRow({ cwd: '/cwd', provider_ref: '/ref' }))
  t.equal(workspacePathOf(row), '/ref')
  t.equal(workspacePathOf({ ...row, realized_path: '/made' }), '/made')
  t.equal(workspacePathOf({ ...row, provider_type: 'local_fs' }), '/cwd')
  t.equal(workspacePathOf({ ...row, provider_ref: null, cwd: null }), null)
})
