/** The configuration: defaults, what is refused and how it is said. */
import { readFile } from 'node:fs/promises'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { settings } from '../../plugins/config-schema.ts'
import { ConfigError, configTable, configWith, helpText, isLoopback, loadConfig } from '../../plugins/config.ts'

t.test('without variables everything has its default', async t => {
  t.match(loadConfig({}), {
    host: '127.0.0.1',
    port: 4180,
    dataDir: join(homedir(), '.berth'),
    databaseUrl: null,
    authMode: 'local',
    allowedRoots: [],
    commandEnvNames: [],
    envPrefix: 'BERTH_',
    publicUrl: null,
    basePath: '',
    jwt: null,
    gateway: null,
    trustProxy: false,
    logLevel: 'info',
    portRange: { from: 20000, to: 29999 },
    commandTimeoutSec: 600,
    maxJobs: Math.max(2, availableParallelism()),
    bodyLimitBytes: 1_048_576
  })
})

t.test('an empty variable counts as absent', async t => {
  t.equal(loadConfig({ BERTH_PORT: '', DATABASE_URL: '' }).databaseUrl, null)
})

t.test('values are read as what they are', async t => {
  t.match(loadConfig({
    BERTH_PORT: '0',
    BERTH_DATA_DIR: '/tmp/../tmp/data',
    DATABASE_URL: 'postgres://a:b@c/d',
    BERTH_ALLOWED_ROOTS: '/home/me:/srv/code/',
    BERTH_COMMAND_ENV: 'CI, HTTPS_PROXY',
    BERTH_TRUST_PROXY: 'true',
    BERTH_PUBLIC_URL: 'http://127.0.0.1:9999/',
    BERTH_PORT_RANGE: '30000-30001',
    BERTH_JOB_LOG_MAX_BYTES: '4096',
    BERTH_MAX_JOBS: '7'
  }), {
    port: 0,
    dataDir: '/tmp/data',
    databaseUrl: 'postgres://a:b@c/d',
    allowedRoots: ['/home/me', '/srv/code'],
    commandEnvNames: ['CI', 'HTTPS_PROXY'],
    trustProxy: true,
    publicUrl: 'http://127.0.0.1:9999',
    portRange: { from: 30000, to: 30001 },
    jobLogMaxBytes: 4096,
    maxJobs: 7
  })
  t.same(loadConfig({ BERTH_TRUST_PROXY: '10.0.0.7, 192.168.0.0/24,::1', BERTH_BASE_PATH: '/tools/berth/' }), { ...loadConfig({}), trustProxy: ['10.0.0.7', '192.168.0.0/24', '::1'], basePath: '/tools/berth' })
  t.same(loadConfig({ BERTH_REDACT_PATTERNS: 'ghp_\\w+ sk-[0-9]+' }).redactPatterns.map(String), ['/ghp_\\w+/gu', '/sk-[0-9]+/gu'])
})

t.test('a wrong value is refused in one line that names the variable and what it must be', async t => {
  const wrong: [string, string][] = [
    ['BERTH_PORT', 'abc'], ['BERTH_MAX_JOBS', '0'], ['BERTH_PORT', '65536'], ['BERTH_PORT', '-1'], ['BERTH_PORT', '1.5'], ['BERTH_PORT', '0x10'], ['BERTH_PORT', ' 80'],
    ['BERTH_TRUST_PROXY', 'maybe'], ['BERTH_TRUST_PROXY', '1'], ['BERTH_TRUST_PROXY', '10.0.0.0/40'], ['BERTH_TRUST_PROXY', '10.0.0.1 10.0.0.2'],
    ['BERTH_BASE_PATH', 'berth'], ['BERTH_BASE_PATH', '/'], ['BERTH_BASE_PATH', '/a//b'], ['BERTH_BASE_PATH', '/api'], ['BERTH_BASE_PATH', '/docs/x'],
    ['BERTH_JWT_CLOCK_SKEW_SEC', '301'],
    ['BERTH_AUTH_MODE', 'open'],
    ['BERTH_ALLOWED_ROOTS', 'code'], ['BERTH_ALLOWED_ROOTS', '/a:b'],
    ['BERTH_COMMAND_ENV', 'A B'],
    ['BERTH_ENV_PREFIX', '1X'],
    ['BERTH_PUBLIC_URL', 'ftp://x'],
    ['BERTH_PORT_RANGE', '5-1'], ['BERTH_PORT_RANGE', '0-10'], ['BERTH_PORT_RANGE', '1-70000'], ['BERTH_PORT_RANGE', '80'],
    ['BERTH_JOB_LOG_MAX_BYTES', '1'],
    ['BERTH_COMMAND_TIMEOUT_SEC', '0'],
    ['BERTH_BODY_LIMIT_BYTES', 'big'],
    ['LOG_LEVEL', 'loud']
  ]
  for (const [name, value] of wrong) {
    const error = refusal({ [name]: value })
    t.ok(error.startsWith(`${name} must be `), error)
    t.ok(error.includes(JSON.stringify(value)), error)
    t.notMatch(error, /\n/)
  }
})

t.test('patterns that can not be used are refused in one line that says why', async t => {
  t.match(refusal({ BERTH_REDACT_PATTERNS: 'ok [' }), /^BERTH_REDACT_PATTERNS must be regular expressions separated by white space \(.*\/\[\/gu: .*\)\. See npm start -- --help\.$/)
  t.match(refusal({ BERTH_REDACT_PATTERNS: 'x*' }), /^BERTH_REDACT_PATTERNS must be patterns that match something \(x\* .*\)\. See/)
})

t.test('the value of a wrong database URL is not repeated, since it may hold a password', async t => {
  const error = refusal({ DATABASE_URL: 'mysql://me:secret@db/x' })
  t.match(error, /^DATABASE_URL must be a URL that begins with postgres:\/\//)
  t.notMatch(error, /secret/)
})

t.test('mode local refuses any address that others can reach', async t => {
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.org', '128.0.0.1', 'localhost.example.org']) {
    t.match(refusal({ BERTH_HOST: host }), /^BERTH_HOST must be a loopback address/, host)
  }
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) t.equal(loadConfig({ BERTH_HOST: host }).host, host)
})

t.test('mode token takes any address', async t => {
  t.match(loadConfig({ BERTH_AUTH_MODE: 'token', BERTH_HOST: '0.0.0.0' }), { authMode: 'token', host: '0.0.0.0', jwt: null, gateway: null })
})

t.test('a gateway has a secret and addresses, and neither without the other', async t => {
  const secret = 'a secret of at least thirty-two bytes'
  t.match(loadConfig({ BERTH_GATEWAY_SECRET: secret, BERTH_GATEWAY_ADDRESSES: '10.0.0.7, fd00::/8' }).gateway, { addresses: ['10.0.0.7', 'fd00::/8'] })
  t.match(refusal({ BERTH_GATEWAY_SECRET: secret }), /^BERTH_GATEWAY_SECRET is set, but BERTH_GATEWAY_ADDRESSES is not/)
  t.match(refusal({ BERTH_GATEWAY_ADDRESSES: '10.0.0.7' }), /^BERTH_GATEWAY_ADDRESSES is set, but BERTH_GATEWAY_SECRET is not/)
  t.match(refusal({ BERTH_GATEWAY_SECRET: 'short', BERTH_GATEWAY_ADDRESSES: '10.0.0.7' }), /^BERTH_GATEWAY_SECRET must be at least 32 bytes long\. See/)
  for (const bad of ['gateway', '10.0.0', '10.0.0.0/33', ',', '1']) t.match(refusal({ BERTH_GATEWAY_SECRET: secret, BERTH_GATEWAY_ADDRESSES: bad }), /^BERTH_GATEWAY_ADDRESSES must be addresses or networks/, bad)
})

t.test('--help names every variable with its default', async t => {
  const help = helpText()
  for (const { name, standard } of settings) t.match(help, new RegExp(`${name} .*${standard === '' ? '' : `\\[${standard}\\]`}`), name)
})

t.test('the table of the README is the one the schema gives', async t => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const table = /<!-- config:begin -->\n([^]*?)<!-- config:end -->/.exec(readme)?.[1] ?? ''
  t.equal(table.trim(), configTable())
})

t.test('configWith replaces single values', async t => {
  t.match(configWith({ dataDir: '/x', port: 7 }), { dataDir: '/x', port: 7, host: '127.0.0.1' })
})

t.test('loopback is told by the whole name', async t => {
  t.notOk(isLoopback('127.0.0.1.example.org'))
  t.ok(isLoopback('[::1]'))
})

function refusal (env: Record<string, string>): string {
  try {
    loadConfig(env)
  } catch (error) {
    return error instanceof ConfigError ? error.message : `not a ConfigError: ${String(error)}`
  }
  return 'it was not refused'
}
