/** Secrets of the service's own environment are in that of nothing it starts: every kind of command, git, its hooks and filters. */
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import type { Config } from '../../plugins/config.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { child, giveAway, whyNoChildUser } from '../fixtures/child-user.ts'
import { makeRepository, runGit } from '../fixtures/git.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const canary = 'canary-7f3a'
const secrets = ['DATABASE_URL', 'BERTH_JWT_SECRET', 'BERTH_JWT_PUBLIC_KEY', 'BERTH_CANARY', 'PGPASSWORD', 'AWS_SECRET_ACCESS_KEY', 'GITHUB_TOKEN', 'NPM_TOKEN', 'NODE_OPTIONS_SECRET', 'npm_config__auth', 'GIT_DIR_SECRET', 'GIT_AUTHOR_EMAIL']

/** Puts them into the environment of this process for the time of the test, with a git that notes what it is given. */
async function withCanaries (t: Test, dumps: string): Promise<void> {
  const bin = await temporaryFolder(t)
  await writeFile(join(bin, 'git'), `#!/bin/sh\nenv >"${dumps}/git.$$"\nPATH=$(printf %s "$PATH" | cut -d: -f2-) exec git "$@"\n`)
  await chmod(join(bin, 'git'), 0o755)
  await chmod(bin, 0o755)
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of [...secrets, 'PATH']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  for (const name of secrets) process.env[name] = canary
  process.env['PATH'] = `${bin}:${before['PATH'] ?? ''}`
}

/** Everything a workspace can have run, once; what each was given is in a file of `dumps`. */
async function live (t: Test, dumps: string, config: Partial<Config>): Promise<Record<string, string>> {
  const repository = await makeRepository(t, { files: { 'README.md': '# A test\n', '.gitattributes': '*.md filter=note\n' } })
  runGit(repository, 'config', 'filter.note.smudge', `env >${dumps}/filter; cat`)
  await writeFile(join(repository, '.git/hooks/post-checkout'), `#!/bin/sh\nenv >${dumps}/hook\n`)
  await chmod(join(repository, '.git/hooks/post-checkout'), 0o755)
  await withCanaries(t, dumps)
  if (config.childUser != null) await giveAway(repository)
  const { call } = await buildTestApp(t, { config })
  const company = `/api/companies/${ids.company}`
  const project = `${company}/projects/${ids.project}`
  const note = (name: string) => `env >${dumps}/${name}`
  await call('PUT', company, { name: 'Acme' })
  await call('PUT', project, { name: 'Site', executionWorkspacePolicy: { workspaceStrategy: { type: 'git_worktree', provisionCommand: note('provision'), teardownCommand: note('teardown') } } })
  await call('PUT', `${project}/workspaces/${ids.projectWorkspace}`, { name: 'main', cwd: repository, cleanupCommand: note('project-cleanup') })
  const commands = [
    { name: 'job', kind: 'job', command: note('job') },
    { name: 'web', command: `${note('service')}; exec sleep 600`, readiness: { type: 'command', command: note('readiness') } }
  ]
  const created = await call('POST', `${company}/execution-workspaces`, { projectId: ids.project, mode: 'isolated_workspace', name: 'canary', config: { cleanupCommand: note('cleanup'), workspaceRuntime: { commands } } })
  t.equal(created.status, 201)
  const workspace = `/api/execution-workspaces/${created.body.id}`
  t.match(await call('POST', `${workspace}/runtime-commands/run`, { workspaceCommandId: 'job:job' }), { status: 200, body: { operation: { status: 'succeeded' } } })
  t.equal((await call('POST', `${workspace}/runtime-services/start`)).status, 200)
  t.match(await call('POST', `${workspace}/archive`), { status: 200, body: { workspace: { status: 'archived' } } })
  const files = await readdir(dumps)
  return Object.fromEntries(await Promise.all(files.map(async file => [file, await readFile(join(dumps, file), 'utf8')])))
}

const ofCommands = ['cleanup', 'job', 'project-cleanup', 'provision', 'readiness', 'service', 'teardown']

t.test('nothing that is started sees them, and hooks are not run at all', async t => {
  const seen = await live(t, await temporaryFolder(t), {})
  const names = Object.keys(seen)
  t.same(names.filter(name => !name.startsWith('git.')).sort(), [...ofCommands, 'filter'].sort())
  t.ok(names.some(name => name.startsWith('git.')), 'git was seen')
  t.same(names.filter(name => seen[name]?.includes(canary)), [])
  for (const name of ofCommands) t.match(seen[name], /^BERTH_WORKSPACE_CWD=\//m, `${name} has what it works on`)
  t.same(names.filter(name => name.startsWith('git.') && !/^GIT_TERMINAL_PROMPT=0$/m.test(seen[name] ?? '')), [], 'git asks nobody')
})

t.test('nor do hooks, where they are wanted', async t => {
  const seen = await live(t, await temporaryFolder(t), { gitHooks: true })
  t.match(seen['hook'], /^PATH=/m, 'the hook was run')
  t.same(Object.keys(seen).filter(name => seen[name]?.includes(canary)), [])
})

t.test('nor where commands are another user\'s, who runs them all, and git, its hooks and filters', { skip: whyNoChildUser }, async t => {
  const dumps = await temporaryFolder(t)
  await chmod(dumps, 0o777)
  const seen = await live(t, dumps, { gitHooks: true, childUser: child })
  const names = Object.keys(seen)
  t.same(names.filter(name => !name.startsWith('git.')).sort(), [...ofCommands, 'filter', 'hook'].sort())
  t.same(names.filter(name => seen[name]?.includes(canary)), [])
  for (const name of names) {
    t.equal((await stat(join(dumps, name))).uid, child.uid, `${name} is run by the user`)
    t.match(seen[name], /^HOME=\/nonexistent$/m, `${name} has the user's home`)
  }
})
