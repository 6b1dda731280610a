/** With `BERTH_CHILD_USER` commands and git are another user's: what they can't reach, and that all else goes as ever. */
import { execFileSync } from 'node:child_process'
import { lstat, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { buildTestApp, type Answer, type TestApp } from '../fixtures/app.ts'
import { child, childId, giveAway, whyNoChildUser } from '../fixtures/child-user.ts'
import { makeRepository, runGit } from '../fixtures/git.ts'
import { hostCgroups } from '../../services/process/cgroups.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const company = `/api/companies/${ids.company}`
const project = `${company}/projects/${ids.project}`

interface Berth extends TestApp {
  repository: string
  /** Makes an isolated workspace. */
  create (body?: object): Promise<Answer>
}

/** The service with a repository of the user's, unless it is to stay this process's own. */
async function berth (t: Test, { given = true, strategy = {} } = {}): Promise<Berth> {
  const repository = await makeRepository(t, { files: { 'README.md': '# A test\n', 'tool.sh': { content: '#!/bin/sh\n', mode: 0o755 }, '.gitignore': '.env\n' } })
  if (given) await giveAway(repository)
  const app = await buildTestApp(t, { config: { childUser: child } })
  await app.call('PUT', company, { name: 'Acme' })
  await app.call('PUT', project, { name: 'Site', executionWorkspacePolicy: { workspaceStrategy: { type: 'git_worktree', ...strategy } } })
  await app.call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: repository })
  const create = async (body: object = {}) => await app.call('POST', `${company}/execution-workspaces`, { projectId: ids.project, mode: 'isolated_workspace', name: 'child', ...body })
  return { ...app, repository, create }
}

/** Runs jobs in a workspace and gives what each wrote, or how it failed. */
function runner ({ call }: TestApp, workspace: string) {
  return async (command: string, limits = {}): Promise<{ status: string, output: string }> => {
    const commands = [{ name: 'job', kind: 'job', command, limits }]
    await call('PATCH', workspace, { config: { workspaceRuntime: { commands } } })
    const { body } = await call('POST', `${workspace}/runtime-commands/run`, { workspaceCommandId: 'job:job' })
    return { status: body.operation.status, output: `${body.operation.stdoutExcerpt ?? ''}${body.operation.stderrExcerpt ?? ''}` }
  }
}

t.test('commands of another user', { skip: whyNoChildUser }, async t => {
  const app = await berth(t, { strategy: { provisionCommand: 'id -u >provisioned', copyFiles: ['.env', 'secret.env'] } })
  const { call, dataDir, repository, create } = app
  await writeFile(join(repository, '.env'), 'A=1\n')
  await writeFile(join(repository, 'secret.env'), 'not for it\n', { mode: 0o600 })
  const created = await create()
  t.equal(created.status, 201)
  const workspace = `/api/execution-workspaces/${created.body.id}`
  const tree: string = created.body.providerRef
  const run = runner(app, workspace)

  await t.test('the worktree is theirs, provisioned by them, with copies of what they may read', async t => {
    t.equal(await readFile(join(tree, 'provisioned'), 'utf8'), `${childId}\n`)
    for (const path of ['.', '.git', 'README.md', 'provisioned', '.env']) t.match(await lstat(join(tree, path)), { uid: childId, gid: childId }, path)
    await t.rejects(lstat(join(tree, 'secret.env')), { code: 'ENOENT' })
    const { body } = await call('GET', `${workspace}/workspace-operations`)
    const { id } = body.find((operation: { phase: string }) => operation.phase === 'worktree_prepare')
    const log = await call('GET', `/api/workspace-operations/${id}/log`)
    t.match(log.body.content, /Did not copy secret\.env: it can not be read by the user that commands run as/)
  })

  await t.test('a job is that user and nobody else, at home where that one is', async t => {
    t.match(await run('id -u; id -g; id -G; echo "$HOME $USER $LOGNAME"; umask'), { status: 'succeeded', output: `${childId}\n${childId}\n${childId}\n/nonexistent nobody nobody\n` })
  })

  await t.test('it can not read the memory and environment of the service, nor its data', async t => {
    for (const path of [`/proc/${process.pid}/environ`, `/proc/${process.pid}/mem`, join(dataDir, 'host-id')]) {
      t.match(await run(`head -c 1 ${path}`), { status: 'failed', output: /Permission denied/ }, path)
    }
    t.match(await run(`ls ${dataDir}`), { status: 'failed', output: /Permission denied/ })
    t.match(await run(`ls ${dataDir}/logs`), { status: 'failed', output: /Permission denied/ })
    t.match(await run(`kill -0 ${process.pid}`), { status: 'failed' })
  })

  await t.test('it edits and commits in its worktree', async t => {
    t.match(await run('echo more >>README.md && git add README.md && git commit --quiet --message more && git log --format=%s -1'), { status: 'succeeded', output: 'more\n' })
    t.equal(runGit(tree, '-c', 'safe.directory=*', 'log', '-1', '--format=%s'), 'more')
  })

  await t.test('limits hold, by a group that its shell can go into', { skip: await hostCgroups.problem() ?? false }, async t => {
    const { output } = await run('tail -n 1 /proc/self/cgroup; ls -l /proc/self/fd', { maxProcesses: 100 })
    t.match(output, /^0::\/.*berth-/m)
    t.notMatch(output, /cgroup\.procs/, 'the file it went in by is closed')
  })

  await t.test('a service starts, asks for its readiness, writes to /dev/stdout, and stops with proof', async t => {
    const commands = [{ name: 'web', command: 'id -u >ran; echo hello >/dev/stdout; (setsid sleep 600 &); exec sleep 600', readiness: { type: 'command', command: 'id -u >asked; test -s ran' } }]
    await call('PATCH', workspace, { config: { workspaceRuntime: { commands } } })
    const started = await call('POST', `${workspace}/runtime-services/start`)
    t.match(started, { status: 200, body: { workspace: { runtimeServices: [{ status: 'running' }] } } })
    for (const name of ['ran', 'asked']) t.equal(await readFile(join(tree, name), 'utf8'), `${childId}\n`, name)
    const service = started.body.workspace.runtimeServices[0]
    t.match((await call('GET', `/api/runtime-services/${service.id}/log`)).body.content, /hello/)
    const stopped = await call('POST', `${workspace}/runtime-services/stop`)
    t.match(stopped, { status: 200, body: { operation: { status: 'succeeded', metadata: { stop: { survivors: [] } } } } })
    t.equal(stopped.body.operation.metadata.stop.membersBefore.length, 2, 'the one that left its session is among them')
  })

  await t.test('archive and restore give everything back, with owner and mode', async t => {
    t.match(await run('rm -f ran asked; printf x >staged; git add staged; chmod 600 README.md; echo changed >>README.md; ln -s README.md link; mkdir -p deep/er; echo s >deep/er/key; chmod 400 deep/er/key; chmod 700 tool.sh'), { status: 'succeeded' })
    const before = runGit(tree, '-c', 'safe.directory=*', 'status', '--porcelain')
    t.match(await call('POST', `${workspace}/archive`), { status: 200, body: { workspace: { status: 'archived' } } })
    await t.rejects(lstat(tree), { code: 'ENOENT' })
    t.match(await call('POST', `${workspace}/restore`), { status: 200, body: { workspace: { status: 'active' } } })
    t.equal(runGit(tree, '-c', 'safe.directory=*', 'status', '--porcelain'), before)
    const modes = { 'README.md': 0o100600, 'deep/er/key': 0o100400, 'tool.sh': 0o100755, staged: 0o100644, '.env': 0o100644 }
    for (const [path, mode] of Object.entries(modes)) t.match(await lstat(join(tree, path)), { uid: childId, gid: childId, mode }, path)
    for (const path of ['.', '.git', 'deep/er', 'link']) t.match(await lstat(join(tree, path)), { uid: childId, gid: childId }, path)
    t.equal(await readlink(join(tree, 'link')), 'README.md')
    t.match(await run('git commit --quiet --all --message again'), { status: 'succeeded' })
  })

  await t.test('a link that it puts in the place of the index leads the rescue to nothing of the service\'s', async t => {
    const secret = join(await temporaryFolder(t), 'secret')
    await writeFile(secret, 'not for it\n', { mode: 0o600 })
    t.match(await run(`ln -sf ${secret} "$(git rev-parse --git-path index)"`), { status: 'succeeded' })
    const archived = await call('POST', `${workspace}/archive`)
    t.match(archived, { status: 200, body: { workspace: { status: 'cleanup_failed', cleanupReason: /Permission denied/ } } })
    t.ok((await lstat(tree)).isDirectory(), 'nothing was removed')
  })
})

t.test('places that the user can not write are refused, with its name and theirs', { skip: whyNoChildUser }, async t => {
  const { call, repository, create } = await berth(t, { given: false })
  t.match(await create(), { status: 422 })
  await giveAway(repository)
  await t.test('a repository', async t => {
    const other = await makeRepository(t)
    await call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: other })
    await giveAway(other)
    execFileSync('chown', ['0:0', join(other, '.git/objects')])
    const denied = { code: 'path_not_allowed', detail: new RegExp(`nobody .*may not write in ${join(other, '.git/objects')}`) }
    t.match(await create(), { status: 422, body: denied })
  })
  await t.test('a folder for shared work', async t => {
    const shared = await makeRepository(t)
    await call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: shared })
    t.match(await create({ mode: 'shared_workspace' }), { status: 422, body: { code: 'path_not_allowed', detail: /nobody .*may not write in .*repository/ } })
    await giveAway(shared)
    t.match(await create({ mode: 'shared_workspace' }), { status: 201 })
  })
  await t.test('a folder for worktrees', async t => {
    const parent = await temporaryFolder(t)
    await call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: repository })
    t.match(await create({ workspaceStrategy: { type: 'git_worktree', worktreeParentDir: parent } }), { status: 422, body: { code: 'path_not_allowed', detail: new RegExp(`nobody .*may not write in ${parent}`) } })
  })
})
