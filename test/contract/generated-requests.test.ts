/** Thousands of requests made from the OpenAPI document: none breaks the service, and every answer is one it declares. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { DatabaseKind } from '../../db/client.ts'
import { exampleIds } from '../../openapi/example-ids.ts'
import type { Answer } from '../fixtures/app.ts'
import { readDocument, type ApiDocument } from '../fixtures/document.ts'
import { createRequestMaker, type GeneratedRequest, type RequestMaker } from '../fixtures/generated-requests.ts'
import { httpHouse, type HttpHouse } from '../fixtures/http-workspaces.ts'
import { seededChance } from '../fixtures/seeded.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

/** So often everything that others need is put back, in case it was removed. */
const renewEvery = 150
const agentId = exampleIds.agent
const issueId = exampleIds.issue

const runtimeConfigs = [
  null,
  { commands: [{ name: 'web', kind: 'service', command: 'sleep 600' }, { name: 'check', kind: 'job', command: 'echo fine' }, { name: 'wrong', kind: 'job', command: 'exit 3' }] },
  { commands: [{ name: 'api', command: 'exec sleep 600', port: { type: 'auto' }, readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/', timeoutSec: 1 } }] },
  { services: [{ name: 'a', command: 'true', reuseScope: 'run' }], jobs: [{ name: 'b', command: 'echo b', timeoutSec: 5 }] },
  { commands: [{ name: 'a', dependsOn: [{ service: 'nothing' }] }] },
  { commands: 'all' },
  { services: [{}] }
]

async function settle (t: Test, kind: DatabaseKind): Promise<HttpHouse & { world: Record<string, readonly unknown[]> }> {
  const folder = await temporaryFolder(t)
  const house = await httpHouse(t, { kind, runtimeConfig: runtimeConfigs[1] as object, config: { stopServicesOnExit: true, commandTimeoutSec: 5, webhookMaxAttempts: 1, sweepIntervalSec: 0, allowedRoots: [folder, '/tmp'] } })
  const commands = [null, 'true', 'exit 3', 'echo out; echo err >&2']
  const world = {
    companyId: [house.companyId],
    projectId: [house.projectId],
    projectWorkspaceId: [house.projectWorkspaceId],
    defaultProjectWorkspaceId: [house.projectWorkspaceId, null],
    agentId: [agentId],
    assigneeAgentId: [agentId, null],
    ownerAgentId: [agentId, null],
    reportsTo: [null, agentId],
    issueId: [issueId],
    sourceIssueId: [issueId, null],
    runId: [exampleIds.run, null],
    path: ['README.md', 'notes.txt', 'a/b', '../x', '.env'],
    cwd: [house.repository, folder, join(folder, 'missing'), 'relative', '/'],
    providerRef: [house.repository, join(folder, 'elsewhere'), 'relative', '/'],
    worktreeParentDir: [folder, null, 'worktrees', '.worktrees'],
    repoUrl: [null, `file://${house.repository}`, `file://${folder}/none`, 'ext::sh -c true', '--upload-pack=true'],
    repoRef: [null, 'main', 'nothing', '--all', '-x'],
    baseRef: [null, 'main', 'HEAD~9', '--output=x', 'a b'],
    defaultRef: [null, 'main'],
    branchName: ['main', 'x', '-x', 'a..b', 'refs/heads/x', null],
    branchTemplate: [null, '{{slug}}', '{{issue.identifier}}-{{slug}}', '--{{slug}}', '{{nothing}}', '..'],
    command: commands,
    provisionCommand: commands,
    cleanupCommand: commands,
    teardownCommand: commands,
    runtimeConfig: runtimeConfigs,
    workspaceRuntime: runtimeConfigs,
    url: ['https://receiver.example.invalid/hook', 'http://127.0.0.1:9/', 'https://user:password@receiver.example.invalid/', 'nothing'],
    cursor: [Buffer.from('["2026-01-31T12:00:00.000Z","x"]').toString('base64url'), 'nonsense'],
    workspaceCommandId: ['service:web', 'job:check', 'job:wrong', 'service:api', 'web', null],
    copyFiles: ['.env', '**/*.local', '../x', '['],
    rescueIgnored: ['.env*', '['],
    provisionInputs: ['package.json', '/etc/hostname'],
    types: ['execution_workspace.', 'activity', 'workspace_operation.finished']
  }
  return { ...house, world }
}

/** What the others refer to. */
async function renew ({ call, company, projectId, projectWorkspaceId, repository }: HttpHouse): Promise<void> {
  await call('PUT', company, { name: 'Acme' })
  await call('PUT', `${company}/projects/${projectId}`, { name: 'Site' })
  await call('PUT', `${company}/projects/${projectId}/workspaces/${projectWorkspaceId}`, { name: 'main', cwd: repository, isPrimary: true, runtimeConfig: runtimeConfigs[1] })
  await call('PUT', `${company}/agents/${agentId}`, { name: 'Builder' })
  await call('PUT', `${company}/issues/${issueId}`, { title: 'Fix the login page', projectId, status: 'in_progress', assigneeAgentId: agentId })
}

/** Streams go on: of those, how they begin is looked at, and they are left. */
async function send ({ app }: HttpHouse, { operation, url, headers, body }: GeneratedRequest): Promise<Pick<Answer, 'status' | 'headers' | 'text'>> {
  const request = { method: operation.method, url, headers, ...(body === undefined ? {} : { payload: body }) }
  if (!operation.isStream) {
    const { statusCode, headers, payload } = await app.inject(request)
    return { status: statusCode, headers, text: payload }
  }
  const hangUp = new AbortController()
  const response = await app.inject({ ...request, payloadAsStream: true, signal: hangUp.signal })
  const stream = response.stream()
  if (response.statusCode !== 200) return { status: response.statusCode, headers: response.headers, text: Buffer.concat(await stream.toArray() as Buffer[]).toString() }
  stream.on('error', () => { /* That is the hanging up. */ })
  hangUp.abort()
  return { status: 200, headers: response.headers, text: '' }
}

/** Sends one request; what is wrong with its answer, or null. */
async function tryOne (house: HttpHouse, document: ApiDocument, maker: RequestMaker, statuses: Set<number>): Promise<string | null> {
  const request = maker.next()
  const { operation, url, body = '' } = request
  const answer = await send(house, request)
  statuses.add(answer.status)
  const isJson = /json/.test(String(answer.headers['content-type']))
  if (answer.status < 300 && isJson && answer.text !== '') maker.learn(operation, answer.headers, JSON.parse(answer.text))
  // The app does not listen, so it has not recovered, and says so.
  const fault = answer.status >= 500 && operation.path !== '/readyz' ? 'a failure of the service' : document.faultOf(operation, answer)
  return fault === null ? null : `${operation.method} ${url.slice(0, 300)} ${body.slice(0, 600)}: ${fault} ${answer.text.slice(0, 300)}`
}

// The embedded database is the slower one.
const rounds = [
  { kind: 'pglite', requests: 1500, lanes: 1, seed: 20_260_131 },
  { kind: 'postgres', requests: 3500, lanes: 4, seed: 4180 }
] as const

for (const { kind, requests, lanes, seed } of rounds) {
  t.test(`${requests} requests made from the document with seed ${seed}, ${lanes} at once, on ${kind}`, async t => {
    const house = await settle(t, kind)
    const document = readDocument(house.app)
    const maker = createRequestMaker(document, seededChance(seed), { values: house.world })
    const statuses = new Set<number>()
    const faults: string[] = []
    let sent = 0
    await Promise.all(Array.from({ length: lanes }, async () => {
      while (sent < requests) {
        sent += 1
        if (sent % renewEvery === 1) await renew(house)
        const fault = await tryOne(house, document, maker, statuses)
        if (fault !== null) faults.push(fault)
      }
    }))
    t.same(faults, [])
    t.same([200, 201, 202, 204, 304, 400, 404, 409, 412, 415, 422].filter(status => !statuses.has(status)), [], 'each of these was among the answers')
  })
}
