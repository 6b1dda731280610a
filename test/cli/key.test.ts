/** `npm run key`: the first key of an instance, and what it says when it can't make one. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openDatabase } from '../../db/client.ts'
import { BadArguments, readArguments } from '../../cli/key-arguments.ts'
import { isKeyText } from '../../services/access/api-key-text.ts'
import { createTestDatabase, silentLog } from '../fixtures/database.ts'
import { prepareDataDir } from '../fixtures/data-dir.ts'
import { eventually } from '../fixtures/eventually.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const companyId = '11111111-1111-4111-8111-111111111111'
const agentId = '55555555-5555-4555-8555-555555555555'
const file = fileURLToPath(new URL('../../cli/key.ts', import.meta.url))

function key (env: Record<string, string>, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, ['--liftoff-only', file, ...args], { env: { ...process.env, DATABASE_URL: '', ...env } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
  })
}

const answerTo = async (url: string, text: string, path = '/api/companies') => (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${text}` } })).status

t.test('arguments are read, or refused with the reason', async t => {
  const name = ['--name', 'First']
  t.same(readArguments(['create', ...name, '--instance-admin']), { command: 'create', name: 'First', holder: { kind: 'instance_admin', userId: 'admin' }, expiresInDays: null })
  t.same(readArguments(['create', ...name, '--company', companyId, '--user', 'ada', '--role', 'owner', '--expires-in-days', '30']),
    { command: 'create', name: 'First', holder: { kind: 'person', companyId, userId: 'ada', role: 'owner' }, expiresInDays: 30 })
  t.match(readArguments(['create', ...name, '--company', companyId, '--agent', agentId.toUpperCase()]), { holder: { kind: 'agent', companyId, agentId } })
  t.same(readArguments(['list']), { command: 'list' })
  t.same(readArguments(['revoke', companyId]), { command: 'revoke', id: companyId })
  const wrong = [[], ['make'], ['list', 'all'], ['list', '--name', 'x'], ['revoke'], ['revoke', 'x'], ['revoke', companyId, companyId], ['create'], ['create', ...name], ['create', '--instance-admin'],
    ['create', ...name, '--instance-admin', '--company', companyId], ['create', ...name, '--company', 'x', '--agent', agentId], ['create', ...name, '--company', companyId], ['create', ...name, '--company', companyId, '--user', 'ada'],
    ['create', ...name, '--company', companyId, '--user', 'ada', '--role', 'god'], ['create', ...name, '--company', companyId, '--agent', agentId, '--role', 'owner'], ['create', ...name, '--instance-admin', '--user', 'a\nb'],
    ['create', ...name, '--instance-admin', '--expires-in-days', '0'], ['create', ...name, '--instance-admin', '--forever']]
  for (const args of wrong) t.throws(() => readArguments(args), BadArguments, args.join(' '))
})

t.test('on the embedded database, before the service runs and not beside it', async t => {
  const dataDir = `${await temporaryFolder(t)}/data`
  await prepareDataDir(dataDir)
  const made = await key({ BERTH_DATA_DIR: dataDir }, 'create', '--name', 'First', '--instance-admin')
  t.equal(made.code, 0, made.stderr)
  const text = made.stdout.trim()
  t.ok(isKeyText(text), 'the standard output is the key alone')
  t.match(made.stderr, /admin, instance admin {2}does not expire\nThis is the only time/)
  t.notOk(made.stderr.includes(text))
  const service = await startService(t, dataDir, { BERTH_AUTH_MODE: 'token' })
  t.equal(await answerTo(service.url, text), 200)
  const refused = await key({ BERTH_DATA_DIR: dataDir }, 'create', '--name', 'Second', '--instance-admin')
  t.equal(refused.code, 1)
  t.match(refused.stderr, new RegExp(`^The service runs on ${dataDir} \\(process ${service.pid}\\).*over HTTP.*DATABASE_URL\\)\\.\\n$`))
  t.equal(refused.stdout, '')
})

t.test('on PostgreSQL, beside the service', async t => {
  const url = await createTestDatabase(t)
  const service = await startService(t, `${await temporaryFolder(t)}/data`, { BERTH_AUTH_MODE: 'token', DATABASE_URL: url })
  const admin = (await key({ DATABASE_URL: url }, 'create', '--name', 'First', '--instance-admin')).stdout.trim()
  const put = async (path: string, body: object) => await fetch(`${service.url}/api/companies/${path}`, { method: 'PUT', headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  t.equal((await put(companyId, { name: 'Example Company' })).status, 201)
  t.match(await key({ DATABASE_URL: url }, 'create', '--name', 'Own', '--company', companyId, '--agent', agentId), { code: 1, stderr: /There is no such agent in the company\./, stdout: '' })
  t.match(await key({ DATABASE_URL: url }, 'create', '--name', 'Own', '--company', agentId, '--user', 'ada', '--role', 'owner'), { code: 1, stderr: /There is no company/ })
  await put(`${companyId}/agents/${agentId}`, { name: 'Grace', role: 'engineer' })
  const own = await key({ DATABASE_URL: url }, 'create', '--name', 'Own', '--company', companyId, '--agent', agentId, '--expires-in-days', '1')
  t.equal(await answerTo(service.url, own.stdout.trim(), `/api/companies/${companyId}`), 200)
  const listed = await key({ DATABASE_URL: url }, 'list')
  t.equal(listed.stdout.trim().split('\n').length, 2)
  t.match(listed.stdout, /instance admin {2}does not expire/)
  const id = /^(\S+).*"Own"/m.exec(listed.stdout)?.[1] ?? ''
  t.match(await key({ DATABASE_URL: url }, 'revoke', id), { code: 0, stdout: /is refused from now on/ })
  await eventually(async () => await answerTo(service.url, own.stdout.trim()) === 401, 'the service hears of it')
  t.match(await key({ DATABASE_URL: url }, 'revoke', companyId), { code: 1, stderr: /There is no key/ })
  const database = await openDatabase({ databaseUrl: url, dataDir: '/nowhere', log: silentLog })
  t.teardown(database.close)
  const activity = await database.db.selectFrom('activity_log').select(['action', 'actor_type']).where('entity_id', '=', id).orderBy('seq').execute()
  t.same(activity, [{ action: 'api_key.created', actor_type: 'system' }, { action: 'api_key.revoked', actor_type: 'system' }])
})
