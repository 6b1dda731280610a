/** Secrets in every place they can come from; afterwards none of them stands anywhere it was not put by the client itself. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { openDatabase, type Db } from '../../db/client.ts'
import { createTestDatabase, silentLog } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { makeRepository } from '../fixtures/git.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const sentinels = {
  host: 'sentinel-of-the-host-1',
  command: 'sentinel-of-a-command-2',
  service: 'sentinel-of-a-service-3',
  bearer: 'sentinel.bearer.4',
  header: 'sentinel.header.5',
  url: 'sentinel-of-a-url-6',
  pattern: 'sentinelpattern7',
  metadata: 'sentinel-of-metadata-8'
}

/** What the client gave to be kept and shown: it can not be used without being stored. */
const configuration = new Set(['project_workspaces.runtime_config', 'project_workspaces.repo_url', 'execution_workspaces.repo_url', 'execution_workspaces.strategy', 'project_workspaces.metadata'])

const print = 'echo "$HOST_API_TOKEN $MY_SECRET $MY_SECRET" "Authorization: Bearer sentinel.bearer.4 $BERTH_WORKSPACE_REPO_URL sentinelpattern7"'
const runtimeConfig = {
  commands: [
    { name: 'job', kind: 'job', command: `${print}; ${print} >&2; printf %s "$MY_SECRET"Bearer; sleep 0.1; echo " $NOTE"; exit 3`, env: { MY_SECRET: sentinels.command, NOTE: sentinels.bearer } },
    { name: 'good', kind: 'service', command: `${print}; exec sleep 60`, env: { MY_SECRET: sentinels.service } },
    { name: 'bad', kind: 'service', command: `${print}; exit 4`, env: { MY_SECRET: sentinels.service } }
  ]
}

async function start (t: Test, logFile: string, env: Record<string, string>) {
  const fd = openSync(logFile, 'a')
  const child = spawn(process.execPath, [join(checkout, 'server.ts')], { env: { ...process.env, BERTH_PORT: '0', LOG_LEVEL: 'trace', ...env }, stdio: ['ignore', fd, fd] })
  closeSync(fd)
  const gone = new Promise(resolve => child.once('exit', resolve))
  const stop = async () => {
    child.kill('SIGTERM')
    await gone
  }
  t.teardown(stop)
  let url: string | undefined
  await eventually(async () => {
    url = /listens at (http:\S+)/.exec(await readFile(logFile, 'utf8'))?.[1]
    return url !== undefined && (await fetch(`${url}/readyz`)).status === 200
  }, 'it is ready', 60_000)
  async function call (method: string, path: string, body?: unknown, expected = 200, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}/api${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${sentinels.header}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    if (response.status !== expected) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return { text, body: text === '' ? null : JSON.parse(text) }
  }
  return { call, stop }
}

/** Every place in the database with one of these texts in it, as `table.column`. */
async function placesIn (db: Db, secrets: readonly string[] = Object.values(sentinels)): Promise<string[]> {
  const { rows: columns } = await sql<{ schema: string, table: string, column: string }>`select table_schema as schema, table_name as table, column_name as column from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`.execute(db)
  const found: string[] = []
  for (const { schema, table, column } of columns) {
    const { rows } = await sql<{ value: string }>`select ${sql.ref(column)}::text as value from ${sql.id(schema, table)} where ${sql.ref(column)} is not null`.execute(db)
    for (const { value } of rows) for (const secret of secrets) if (value.includes(secret)) found.push(`${table}.${column}`)
  }
  return found
}

async function filesWith (folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found: string[] = []
  for (const file of files) {
    // The database is looked at as a database: its files hold the configuration.
    if (file.startsWith(join(folder, 'db'))) continue
    const text = await readFile(file, 'latin1')
    for (const [name, sentinel] of Object.entries(sentinels)) if (text.includes(sentinel)) found.push(`${file}: ${name}`)
  }
  return found
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`no secret stands where it was not put: ${kind}`, async t => {
    const folder = await temporaryFolder(t)
    const [dataDir, logFile] = [join(folder, 'data'), join(folder, 'log')]
    await mkdir(dataDir)
    const databaseUrl = kind === 'pglite' ? '' : await createTestDatabase(t, { empty: true })
    const { call, stop } = await start(t, logFile, {
      DATABASE_URL: databaseUrl,
      BERTH_DATA_DIR: dataDir,
      BERTH_COMMAND_ENV: 'HOST_API_TOKEN',
      BERTH_REDACT_PATTERNS: 'sentinelpattern\\d',
      BERTH_STOP_SERVICES_ON_EXIT: 'true',
      HOST_API_TOKEN: sentinels.host
    })
    const [companyId, projectId, workspaceId] = [randomUUID(), randomUUID(), randomUUID()]
    const company = `/companies/${companyId}`
    const project = `/projects/${projectId}/workspaces/${workspaceId}`
    await call('PUT', company, { name: 'Acme' }, 201)
    await call('PUT', `${company}/projects/${projectId}`, { name: 'Site' }, 201)
    await call('PUT', company + project, {
      name: 'Main', isPrimary: true, cwd: await makeRepository(t), repoUrl: `https://me:${sentinels.url}@example.invalid/x.git`, runtimeConfig, metadata: { apiToken: sentinels.metadata }
    }, 201)
    const { body: webhook } = await call('POST', `${company}/webhooks`, { url: 'https://example.invalid/hook' }, 201, { 'idempotency-key': 'one-webhook' })
    const again = await call('POST', `${company}/webhooks`, { url: 'https://example.invalid/hook' }, 201, { 'idempotency-key': 'one-webhook' })
    t.match(again.body, { id: webhook.id, secret: webhook.secret }, 'the answer with the secret is given again to who has the key')
    const job = await call('POST', `${project}/runtime-commands/run`, { workspaceCommandId: 'job:job' })
    t.match(job.body.operation, { status: 'failed', exitCode: 3, stdoutExcerpt: /\*\*\* \*\*\* \*\*\*/ })
    const failed = await call('POST', `${project}/runtime-services/start`, { workspaceCommandId: 'service:bad' }, 422)
    t.match(failed.body.lastLines.join(), /\*\*\*/)
    await call('POST', `${project}/runtime-services/start`, { workspaceCommandId: 'service:good' })
    // Paths with a secret in them, which nothing is found at: the access log tells them.
    await call('POST', `/${sentinels.host}/x`, {}, 404)
    await call('POST', `${project}/runtime-services/${sentinels.host}`, {}, 404)
    const made = await call('POST', `${company}/execution-workspaces`, {
      projectId, mode: 'isolated_workspace', name: 'one', workspaceStrategy: { type: 'git_worktree', provisionCommand: `${print}; exit 5` }
    }, 422)
    const put = [sentinels.host, sentinels.header]
    for (const { text } of [job, failed, made]) t.same(put.filter(sentinel => text.includes(sentinel)), [], 'nor in an answer what no client has put there')

    // While a service runs the kernel writes its log as it comes: the only place where a secret may lie. Once it has ended, it is masked.
    const raw = await filesWith(dataDir)
    t.ok(raw.every(place => /logs\/services\/[^/]*\.log:/.test(place)), raw.join('\n'))
    await call('POST', `${project}/runtime-services/stop`)
    await eventually(async () => (await filesWith(dataDir)).length === 0, 'all logs are masked')
    await stop()

    t.same(await filesWith(dataDir), [])
    const log = await readFile(logFile, 'utf8')
    t.match(log, /"url":"\/api\/\*\*\*\/x"/)
    t.same(Object.values(sentinels).filter(sentinel => log.includes(sentinel)), [])
    const database = await openDatabase({ databaseUrl, dataDir, log: silentLog })
    t.teardown(() => database.close())
    t.same((await placesIn(database.db)).filter(place => !configuration.has(place)), [])
    const key = webhook.secret.replace('whsec_', '')
    t.same(await placesIn(database.db, [key]), ['webhooks.secret'], 'a webhook is signed with its secret: it stands there alone')
    t.ok((await placesIn(database.db)).includes('project_workspaces.runtime_config'), 'and the search finds what is there')
  })
}
