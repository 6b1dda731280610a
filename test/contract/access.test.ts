/** Who may do what: every operation of the live document by every kind of caller, against the table. */
import { randomInt, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { buildApp } from '../../app.ts'
import type { Database } from '../../db/client.ts'
import { accessRuleOf, verdicts, type CallerKind, type Verdict } from '../../openapi/access.ts'
import { configWith, loadConfig } from '../../plugins/config.ts'
import { absent } from '../../services/access/company-access.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { makeRepository } from '../fixtures/git.ts'
import { recordQueries } from '../fixtures/query-recorder.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const secret = 'a secret of at least thirty-two bytes'

interface Answer { status: number, text: string, body: any, headers: Headers }
type Call = (method: string, path: string, body?: unknown, authorization?: string) => Promise<Answer>

async function bearer (subject: string, berth: object): Promise<string> {
  return `Bearer ${await new SignJWT({ berth }).setSubject(subject).setExpirationTime('20 min').setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret))}`
}

const member = (companyId: string, role: string, status = 'active') => ({ actor: 'board', memberships: [{ companyId, role, status }] })

/** Everything that the operations are called on, and everybody who calls. */
async function makeScene (t: Test, plainDatabase: Database) {
  const { database, record } = recordQueries(plainDatabase)
  const app = await buildApp(configWith({ ...loadConfig({ BERTH_AUTH_MODE: 'token', BERTH_JWT_SECRET: secret }), dataDir: await temporaryFolder(t), logLevel: 'silent', port: 0, stopServicesOnExit: true, trustProxy: true, rateLimitPerMin: 0, maxStreamsPerActor: 0 }), { database })
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0 })
  const admin = await bearer('root', { actor: 'board', instanceAdmin: true })
  const call: Call = async (method, path, body, authorization = admin) => {
    const hangUp = new AbortController()
    const response = await fetch(url + path, {
      method,
      signal: hangUp.signal,
      // From somewhere else each time: an address that fails again and again is made to wait.
      headers: { 'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`, ...(authorization === '' ? {} : { authorization }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const { status, headers } = response
    // A stream that has begun has been let through: nobody waits for its end.
    if (headers.get('content-type')?.startsWith('text/event-stream') === true) {
      hangUp.abort()
      return { status, text: '', body: null, headers }
    }
    const text = await response.text()
    return { status, text, headers, body: /json/.test(headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : null }
  }
  const must: Call = async (method, path, body) => {
    const answer = await call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  const id = Object.fromEntries(['company', 'other', 'project', 'projectWorkspace', 'issue', 'run', 'worker', 'manager', 'round', 'roundToo', 'idle', 'ceo', 'gone', 'foreign'].map(name => [name, randomUUID()])) as Record<string, string>
  const company = `/api/companies/${id['company']}`
  await must('PUT', company, { name: 'Acme' })
  await must('PUT', `/api/companies/${id['other']}`, { name: 'Other' })
  await must('PUT', `${company}/projects/${id['project']}`, { name: 'Site' })
  const runtimeConfig = { commands: [{ name: 'quick', kind: 'job', command: 'true' }, { name: 'web', kind: 'service', command: 'exec sleep 300' }] }
  await must('PUT', `${company}/projects/${id['project']}/workspaces/${id['projectWorkspace']}`, { name: 'Main', cwd: await makeRepository(t), isPrimary: true, runtimeConfig })
  const agent = async (name: string, fields: object = {}, at = company) => await must('PUT', `${at}/agents/${id[name]}`, { name, role: 'engineer', status: 'active', ...fields })
  // Who reports to whom goes in a circle: roundToo → round → roundToo, and the manager's manager is one of them.
  await agent('roundToo')
  await agent('round', { reportsTo: id['roundToo'] })
  await agent('roundToo', { reportsTo: id['round'] })
  await agent('manager', { reportsTo: id['round'] })
  await agent('worker', { reportsTo: id['manager'] })
  await agent('idle')
  await agent('ceo', { role: 'ceo' })
  await agent('gone', { reportsTo: id['manager'] })
  await agent('foreign', { role: 'ceo' }, `/api/companies/${id['other']}`)
  await must('PUT', `${company}/issues/${id['issue']}`, { title: 'Work', status: 'in_progress', projectId: id['project'], projectWorkspaceId: id['projectWorkspace'], assigneeAgentId: id['worker'] })
  const { body: workspace } = await must('POST', `${company}/execution-workspaces`, { projectId: id['project'], mode: 'shared_workspace', name: 'W', sourceIssueId: id['issue'] })
  const path = `/api/execution-workspaces/${workspace.id}`
  const { body: { operation } } = await must('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:quick' })
  const started = await must('POST', `${path}/runtime-services/start`, {})
  await must('POST', `${path}/leases`, { runId: id['run'], ttlSec: 3600 })
  const { body: webhook } = await must('POST', `${company}/webhooks`, { url: 'https://hooks.example.invalid/' })
  const { body: delivery } = await must('POST', `${company}/webhooks/${webhook.id}/test`)
  const key = async (fields: object = {}) => (await must('POST', `${company}/keys`, { name: 'k', actorType: 'agent', agentId: id['worker'], ...fields })).body
  const [revoked, expired, goneKey] = [await key(), await key({ expiresAt: new Date(Date.now() + 600).toISOString() }), await key({ agentId: id['gone'] })]
  await must('DELETE', `${company}/keys/${revoked.id}`)
  await agent('gone', { reportsTo: id['manager'], status: 'terminated' })

  const forAgent = async (name: string, of = 'company') => await bearer(id[name] ?? '', { actor: 'agent', companyId: id[of] })
  const people = async (role: string, of = 'company', status = 'active') => await bearer(`a-${role}`, member(id[of] ?? '', role, status))
  const callers: [string, CallerKind, string][] = [
    ['nobody', 'nobody', ''],
    ['with a revoked key', 'nobody', `Bearer ${revoked.key}`],
    ['with an expired key', 'nobody', `Bearer ${expired.key}`],
    ['a viewer', 'viewer', await people('viewer')],
    ['a member', 'member', await people('member')],
    ['an admin', 'admin', await people('admin')],
    ['the owner', 'admin', await people('owner')],
    ['the owner of another company', 'outsider', await people('owner', 'other')],
    ['a suspended owner', 'outsider', await people('owner', 'company', 'suspended')],
    ['an invited owner', 'outsider', await people('owner', 'company', 'invited')],
    ['an instance admin', 'instance admin', admin],
    ['the agent whose work it is', 'working agent', await forAgent('worker')],
    ['the same by a key', 'working agent', `Bearer ${(await key()).key}`],
    ['its manager', 'working agent', await forAgent('manager')],
    ['above it, in a circle', 'working agent', await forAgent('roundToo')],
    ['the ceo', 'working agent', await forAgent('ceo')],
    ['an agent without an issue', 'idle agent', await forAgent('idle')],
    ['the ceo of another company', 'outsider', await forAgent('foreign', 'other')],
    ['an agent of another company that claims to be of this one', 'idle agent', await forAgent('foreign')],
    ['a terminated agent', 'terminated', await forAgent('gone')],
    ['a terminated agent by a key', 'terminated', `Bearer ${goneKey.key}`]
  ]
  await new Promise(resolve => setTimeout(resolve, Math.max(0, Date.parse(expired.expiresAt) + 50 - Date.now())))
  return { app, record, call, must, id, company, callers, workspaceId: workspace.id as string, operationId: operation.id as string, serviceId: started.body.workspace.runtimeServices[0].id as string, webhookId: webhook.id as string, deliveryId: delivery.id as string, keyId: revoked.id as string, openapi: (await must('GET', '/openapi.json')).body }
}

type Scene = Awaited<ReturnType<typeof makeScene>>

/** Bodies with which an operation is understood, so that only who calls decides. */
function bodyOf (operationId: string, { id }: Scene): unknown {
  const bodies: Record<string, unknown> = {
    createCompany: { name: 'New' },
    putCompany: { name: 'Acme' },
    createProject: { name: 'P' },
    putProject: { name: 'Site' },
    createProjectWorkspace: { name: 'PW' },
    putProjectWorkspace: { name: 'Second' },
    createAgent: { name: 'A', role: 'engineer', status: 'active' },
    putAgent: { name: 'A', role: 'engineer', status: 'active' },
    createIssue: { title: 'I', status: 'todo', projectId: id['project'] },
    putIssue: { title: 'I', status: 'todo', projectId: id['project'] },
    createExecutionWorkspace: { projectId: id['project'], mode: 'shared_workspace', name: 'N', sourceIssueId: id['issue'] },
    updateExecutionWorkspace: { name: 'W' },
    controlRuntimeServices: { workspaceCommandId: 'job:none' },
    controlRuntimeCommands: { workspaceCommandId: 'job:none' },
    controlProjectRuntimeServices: { workspaceCommandId: 'job:none' },
    controlProjectRuntimeCommands: { workspaceCommandId: 'job:none' },
    archiveExecutionWorkspace: {},
    restoreExecutionWorkspace: {},
    acquireLease: { runId: id['run'], ttlSec: 3600 },
    renewLease: { runId: id['run'], ttlSec: 3600 },
    reportAdapterServices: { adapterType: 'docker', reports: [] },
    createWebhook: { url: 'https://hooks.example.invalid/' },
    updateWebhook: { url: 'https://hooks.example.invalid/' },
    createApiKey: { name: 'k', actorType: 'agent', agentId: id['worker'] }
  }
  return bodies[operationId]
}

/** What a call is made on; for one that removes it, a new one each time it will be let through. */
async function targetOf (operationId: string, expected: Verdict, scene: Scene): Promise<Record<string, string | undefined>> {
  const { id, company, must, operationId: operation, serviceId, webhookId, deliveryId, keyId, workspaceId } = scene
  const ids = {
    companyId: id['company'],
    projectId: id['project'],
    projectWorkspaceId: id['projectWorkspace'],
    agentId: id['worker'],
    issueId: id['issue'],
    runId: randomUUID(),
    webhookId,
    deliveryId,
    keyId,
    action: 'run',
    path: 'a.txt',
    id: /RuntimeService(Log)?$/.test(operationId) && !operationId.startsWith('control') ? serviceId : /Operation(Log)?$/.test(operationId) ? operation : workspaceId
  }
  const made = async (path: string, body: unknown) => (await must('POST', company + path, body)).body.id as string
  if (expected !== 'yes') return ids
  switch (operationId) {
    case 'putProjectWorkspace':
    case 'deleteProjectWorkspace': return { ...ids, projectWorkspaceId: await made(`/projects/${id['project']}/workspaces`, { name: 'Second' }) }
    case 'deleteProject': return { ...ids, projectId: await made('/projects', { name: 'P' }) }
    case 'putAgent':
    case 'deleteAgent': return { ...ids, agentId: await made('/agents', { name: 'A', role: 'engineer', status: 'active' }) }
    case 'putIssue':
    case 'deleteIssue': return { ...ids, issueId: await made('/issues', { title: 'I', status: 'todo', projectId: id['project'] }) }
    case 'deleteWebhook': return { ...ids, webhookId: await made('/webhooks', { url: 'https://hooks.example.invalid/' }) }
    case 'revokeApiKey': return { ...ids, keyId: await made('/keys', { name: 'k', actorType: 'agent', agentId: id['worker'] }) }
    default: return ids
  }
}

const inPath = (path: string, ids: Record<string, string | undefined>) => path.replace(/\{(\w+)\}/g, (_whole, name: string) => ids[name] ?? '') + (path.includes('maintenance') ? '?dryRun=true' : '')

/** The one answer for what is not there and for what may not be seen. */
const nothing = absent().message

/** Refused, or let through: whatever was done then, or could not be done, is another matter. */
function verdictOf ({ status, body }: Answer): Verdict {
  if (status === 401 || status === 403) return status
  return status === 404 && body?.detail === nothing ? 404 : 'yes'
}

const plain = ({ body: { requestId, instance, ...rest } }: Answer): unknown => rest

await onBothDatabases(t, 'every operation by every caller', async (t, { database }) => {
  const scene = await makeScene(t, database)
  const operations = Object.entries(scene.openapi.paths as Record<string, Record<string, { operationId: string }>>)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, { operationId }]) => ({ method: method.toUpperCase(), path, operationId })))
  t.ok(operations.length > 60)
  for (const { method, path, operationId } of operations) {
    const rule = accessRuleOf(operationId)
    if (rule === undefined) {
      t.fail(`${operationId} has no rule in openapi/access.ts`)
      continue
    }
    await Promise.all(scene.callers.map(async ([name, kind, authorization]) => {
      const expected = verdicts[rule][kind]
      const ids = await targetOf(operationId, expected, scene)
      const answer = await scene.call(method, inPath(path, ids), bodyOf(operationId, scene), authorization)
      if (verdictOf(answer) !== expected || answer.status >= 500) t.fail(`${operationId} by ${name}: ${expected} is expected`, { status: answer.status, body: answer.body })
      if (answer.status === 401) t.match(answer.headers.get('www-authenticate'), /^Bearer /, `${operationId} by ${name}`)
      if (expected !== 404) return
      const nowhere = await scene.call(method, inPath(path, { ...ids, id: randomUUID(), projectWorkspaceId: randomUUID() }), bodyOf(operationId, scene), authorization)
      t.same([answer.status, plain(answer)], [nowhere.status, plain(nowhere)], `${operationId} by ${name}: the same as for an id that does not exist`)
    }))
    t.pass(`${operationId}: ${rule}`)
  }
  await t.test('what belongs to others costs what nothing costs', async t => await walkForeignIds(t, scene, operations))
})

interface Operation { method: string, path: string, operationId: string }

/** By the owner of another company: each id of the path in turn is one of the first company's, or nobody's. Nothing may tell which. */
async function walkForeignIds (t: Test, scene: Scene, operations: readonly Operation[]): Promise<void> {
  const credentials = (wanted: string) => scene.callers.find(([name]) => name === wanted)?.[2] ?? ''
  const [outsider, admin] = [credentials('the owner of another company'), credentials('an instance admin')]
  const inject = async ({ method, path, operationId }: Operation, ids: Record<string, string | undefined>, authorization = outsider) => {
    const body = bodyOf(operationId, scene)
    const { result, queries } = await scene.record(async () => await scene.app.inject({ method: method as 'GET', url: inPath(path, ids), headers: { authorization }, ...(body === undefined ? {} : { payload: body as object }) }))
    const { requestId, instance, ...rest } = result.json()
    return { status: result.statusCode, rest, queries }
  }
  // Who names the id of what is made is told when it is taken; ids are one space for all companies, and none can be guessed.
  for (const operation of operations.filter(({ operationId }) => !['putProject', 'putAgent', 'putIssue'].includes(operationId))) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].flatMap(([, name = '']) => name === 'action' || name === 'path' ? [] : name)
    const theirs: Record<string, string | undefined> = { ...await targetOf(operation.operationId, 403, scene), runId: scene.id['run'] }
    if (/^get(?!.*(Log|Rescue|Rescued|Readiness)).+/.test(operation.operationId) && names.length > 0) t.equal((await inject(operation, theirs, admin)).status, 200, `${operation.operationId} is there`)
    for (const name of names) {
      // Below their own company, they look for what is in another one.
      const own = name === 'companyId' ? theirs : { ...theirs, companyId: scene.id['other'] }
      const foreign = await inject(operation, own)
      t.equal(foreign.status, name === 'runId' ? 200 : name === 'companyId' ? 403 : 404, operation.operationId)
      const nowhere = await inject(operation, { ...own, [name]: randomUUID() })
      t.same(foreign, nowhere, `${operation.operationId}: ${name}`)
    }
  }
}
