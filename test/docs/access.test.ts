/** The page on access: its commands run as pasted, its claims are taken, its gateway is believed. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { accessList, accessTable } from '../../openapi/access.ts'
import { actorOfClaims } from '../../services/access/claims.ts'
import { createGatewayReader } from '../../services/access/gateway-identity.ts'
import { prepareDataDir } from '../fixtures/data-dir.ts'
import { startService } from '../fixtures/service.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { readDocsPage } from '../fixtures/docs-page.ts'

const run = promisify(execFile)
const { text: page, block } = await readDocsPage('access.md')

t.test('the first key, and those that are made with it', async t => {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'data')
  await prepareDataDir(dataDir)
  const env = { ...process.env, DATABASE_URL: '', BERTH_DATA_DIR: dataDir }
  const first = block('sh first').replace('npm run', `npm --prefix ${checkout} run`)
  await run('bash', ['-euc', first], { cwd: folder, env })
  const service = await startService(t, dataDir, { BERTH_AUTH_MODE: 'token' })
  const script = `set -euo pipefail\n${block('sh keys').replaceAll('http://127.0.0.1:4180', service.url)}`
  const { stdout } = await run('bash', ['-c', script], { cwd: folder, env })
  t.match(stdout, /"name":"Greeter".*\[\]$/s, 'the agent lists the workspaces: there are none yet')
})

t.test('the claims name who they say', async t => {
  const { sub, berth } = JSON.parse(block('json board'))
  t.match(actorOfClaims(sub, berth, 'berth'), { type: 'board', userId: 'ada', memberships: [{ role: 'admin' }] })
  const agent = JSON.parse(block('json agent'))
  t.match(actorOfClaims(agent.sub, agent.berth, 'berth'), { type: 'agent', agentId: agent.sub, runId: agent.berth.runId })
})

t.test('what the gateway signs is believed', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'gateway.mjs'), block('js gateway'))
  const { identity } = await import(pathToFileURL(join(folder, 'gateway.mjs')).href) as { identity (secret: string, method: string, url: string, claims: object): string }
  const secret = 'a secret of at least thirty-two bytes'
  const read = createGatewayReader({ secret: Buffer.from(secret), addresses: ['10.0.0.0/8'] })
  const request = { method: 'GET', url: '/api/companies?limit=1', address: '10.1.2.3' }
  const header = identity(secret, request.method, request.url, JSON.parse(block('json board')))
  t.match(read({ ...request, header }), { userId: 'ada' })
  t.throws(() => read({ ...request, header, url: '/api/companies' }), { code: 'unauthenticated' })
})

t.test('the table is the one that every operation is tested against', async t => {
  t.ok(page.includes(accessTable()), 'the table')
  t.ok(page.includes(accessList()), 'every operation under its rule')
})
