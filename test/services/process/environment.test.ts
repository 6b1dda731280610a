import t from 'tap'
import { createEnvironmentBuilder, type CommandContext } from '../../../services/process/environment.ts'

const context: CommandContext = {
  companyId: 'company',
  projectId: 'project',
  projectWorkspaceId: 'standing',
  workspace: {
    cwd: '/w/cwd',
    path: '/w',
    worktreePath: '/w/tree',
    branchName: 'feature',
    baseCwd: '/base',
    repoRoot: '/root',
    repoRef: 'main',
    repoUrl: 'https://example.test/r.git',
    source: 'git_worktree',
    created: true
  },
  issue: { id: 'issue', identifier: 'T-1', title: "It's; a $(title)" },
  agent: { id: 'agent', name: 'Ada' }
}
const bare: CommandContext = {
  companyId: null,
  projectId: null,
  projectWorkspaceId: null,
  workspace: { cwd: null, path: null, worktreePath: null, branchName: null, baseCwd: null, repoRoot: null, repoRef: null, repoUrl: null, source: null, created: false },
  issue: null,
  agent: null
}
const builder = (hostEnv: Record<string, string | undefined>, commandEnvNames: string[] = [], prefix = 'BERTH_') => createEnvironmentBuilder({ hostEnv, commandEnvNames, prefix })

t.test('of the host only the allow-list is passed on', async t => {
  const passed = { PATH: '/bin', HOME: '/h', USER: 'u', LOGNAME: 'u', SHELL: '/bin/zsh', LANG: 'C', LC_ALL: 'C', LC_TIME: 'C', TZ: 'UTC', TERM: 'xterm', TMPDIR: '/t' }
  const env = builder({ ...passed, AWS_SECRET_ACCESS_KEY: 's', NODE_OPTIONS: '--x', LCX: 'no', npm_config_prefix: '/x' }).build({ context, mark: 'm' })
  t.match(env, passed)
  for (const name of ['AWS_SECRET_ACCESS_KEY', 'NODE_OPTIONS', 'LCX', 'npm_config_prefix']) t.notOk(name in env, name)
})

t.test('further names are passed on when asked for, by name or by beginning', async t => {
  const env = builder({ JAVA_HOME: '/j', NVM_DIR: '/n', NVM_BIN: '/b', OTHER: 'o' }, ['JAVA_HOME', 'NVM_*']).build({ context, mark: 'm' })
  t.match(env, { JAVA_HOME: '/j', NVM_DIR: '/n', NVM_BIN: '/b' })
  t.notOk('OTHER' in env)
})

t.test("this service's own settings are never passed on, not even when asked for", async t => {
  const env = builder({ DATABASE_URL: 'postgres://u:p@h/d', BERTH_JWT_SECRET: 's' }, ['DATABASE_URL', 'BERTH_JWT_SECRET', '*']).build({ context, mark: 'm' })
  t.notOk('DATABASE_URL' in env)
  t.notOk('BERTH_JWT_SECRET' in env)
})

t.test('a command may have a DATABASE_URL of its own', async t => {
  t.equal(builder({ DATABASE_URL: 'secret' }).build({ context, own: { DATABASE_URL: 'own' }, mark: 'm' }).DATABASE_URL, 'own')
})

t.test("what comes later wins: the host's, the command's own, the port, the workspace, the mark", async t => {
  const env = builder({ PATH: '/host', LANG: 'host' }).build({
    context,
    own: { LANG: 'own', PORT: 'own', BERTH_WORKSPACE_CWD: 'own', BERTH_SPAWN_MARK: 'own', MINE: 'own' },
    port: { key: 'PORT', value: 4000 },
    mark: 'the mark'
  })
  t.match(env, { PATH: '/host', LANG: 'own', PORT: '4000', BERTH_WORKSPACE_CWD: '/w/cwd', BERTH_SPAWN_MARK: 'the mark', MINE: 'own' })
})

t.test('the workspace is described in full', async t => {
  const env = builder({}).build({ context, mark: 'm' })
  t.same(env, {
    PATH: env.PATH,
    BERTH_WORKSPACE_CWD: '/w/cwd',
    BERTH_WORKSPACE_PATH: '/w',
    BERTH_WORKSPACE_WORKTREE_PATH: '/w/tree',
    BERTH_WORKSPACE_BRANCH: 'feature',
    BERTH_WORKSPACE_BASE_CWD: '/base',
    BERTH_WORKSPACE_REPO_ROOT: '/root',
    BERTH_WORKSPACE_REPO_REF: 'main',
    BERTH_WORKSPACE_REPO_URL: 'https://example.test/r.git',
    BERTH_WORKSPACE_SOURCE: 'git_worktree',
    BERTH_WORKSPACE_CREATED: 'true',
    BERTH_PROJECT_ID: 'project',
    BERTH_PROJECT_WORKSPACE_ID: 'standing',
    BERTH_AGENT_ID: 'agent',
    BERTH_AGENT_NAME: 'Ada',
    BERTH_COMPANY_ID: 'company',
    BERTH_ISSUE_ID: 'issue',
    BERTH_ISSUE_IDENTIFIER: 'T-1',
    BERTH_ISSUE_TITLE: "It's; a $(title)",
    BERTH_SPAWN_MARK: 'm'
  })
  t.match(env.PATH, '/usr/bin', 'there is always a path')
})

t.test('what is unknown is empty, never the word null', async t => {
  const env = builder({}).build({ context: bare, mark: 'm' })
  t.equal(env.BERTH_ISSUE_TITLE, '')
  t.equal(env.BERTH_WORKSPACE_CREATED, 'false')
  t.notOk(Object.values(env).includes('null'))
})

t.test('another prefix names everything but the mark', async t => {
  const env = builder({}, [], 'OTHER_').build({ context, mark: 'm' })
  t.equal(env.OTHER_WORKSPACE_CWD, '/w/cwd')
  t.equal(env.BERTH_SPAWN_MARK, 'm')
  t.notOk('BERTH_WORKSPACE_CWD' in env)
})
