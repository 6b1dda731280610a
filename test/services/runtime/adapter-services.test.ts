import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertService, updateLiveService, type ServiceRow } from '../../../db/runtime-services.ts'
import type { AdapterServiceReport } from '../../../openapi/schemas/adapter-service.ts'
import { uuidPattern } from '../../../openapi/schemas/kit.ts'
import { columnsOfReport, idsOfReport, isNews, isOfSource, letGoOfAdapterService, type ReportContext } from '../../../services/runtime/adapter-services.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { leaseRows } from '../../fixtures/leases.ts'

const [workspaceId, companyId, projectId, projectWorkspaceId, issueId, agentId, runId] = Array.from({ length: 7 }, () => randomUUID()) as [string, string, string, string, string, string, string]
const now = new Date('2026-01-01T12:00:00Z')
const context: ReportContext = { workspace: { id: workspaceId, companyId, projectId, projectWorkspaceId, issueId, cwd: '/work' }, adapterType: 'box', runId, agentId, now }
const web: AdapterServiceReport = { serviceName: 'web' }
const idOf = (report: AdapterServiceReport, of: ReportContext = context) => idsOfReport(report, of).at(-1)

t.test('the id is made from workspace, system and what identifies the service', async t => {
  t.match(idOf(web), new RegExp(uuidPattern))
  t.match(idOf(web)?.charAt(14), '8')
  t.equal(idOf(web), idOf({ ...web, status: 'stopped', port: 1 }), 'and not from how it is')
  t.equal(idOf({ ...web, id: 'x' }), idOf({ serviceName: 'renamed', id: 'x' }), 'an id of its own outlives its name')
  const others = [idOf(web), idOf({ serviceName: 'api' }), idOf({ ...web, scopeType: 'run' }), idOf({ ...web, id: 'web' }), idOf(web, { ...context, adapterType: 'tent' }), idOf(web, { ...context, workspace: { ...context.workspace, id: randomUUID() } })]
  t.equal(new Set(others).size, others.length)
})

t.test('a UUID of its own comes first, in lower case', async t => {
  const own = randomUUID()
  t.same(idsOfReport({ ...web, id: own.toUpperCase() }, context)[0], own)
  t.equal(idsOfReport({ ...web, id: own }, context).length, 2)
  t.equal(idsOfReport({ ...web, id: 'not a uuid' }, context).length, 1)
})

t.test('what is left out comes from the workspace', async t => {
  t.match(columnsOfReport('an-id', web, context, null), {
    company_id: companyId, project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: workspaceId, issue_id: issueId, scope_type: 'execution_workspace', scope_id: workspaceId, lifecycle: 'shared', status: 'running', health_status: 'unknown', cwd: '/work', owner_agent_id: agentId, started_by_run_id: runId, provider: 'adapter_managed', reuse_key: null, identity_key: 'adapter:an-id', started_at: now, stopped_at: null
  })
  const scopes = [['run', runId, 'ephemeral'], ['agent', agentId, 'shared'], ['project_workspace', projectWorkspaceId, 'shared']] as const
  for (const [scopeType, scopeId, lifecycle] of scopes) t.match(columnsOfReport('i', { ...web, scopeType }, context, null), { scope_type: scopeType, scope_id: scopeId, lifecycle })
  t.match(columnsOfReport('i', { ...web, scopeType: 'run', scopeId: 'mine', lifecycle: 'shared', cwd: null }, context, null), { scope_id: 'mine', lifecycle: 'shared', cwd: null })
})

t.test('times that are not told are kept while nothing changes', async t => {
  const [begin, end] = [new Date(1000), new Date(2000)]
  const live = { status: 'running', started_at: begin, stopped_at: null } as ServiceRow
  const over = { status: 'stopped', started_at: begin, stopped_at: end } as ServiceRow
  const times = (report: Partial<AdapterServiceReport>, before: ServiceRow | null) => {
    const { started_at: startedAt, stopped_at: stoppedAt } = columnsOfReport('i', { ...web, ...report }, context, before)
    return [startedAt, stoppedAt]
  }
  t.same(times({}, live), [begin, null])
  t.same(times({ status: 'stopped' }, live), [begin, now])
  t.same(times({ status: 'failed' }, over), [begin, end])
  t.same(times({}, over), [now, null], 'it was started anew')
  t.same(times({ status: 'stopped' }, null), [now, now])
  t.same(times({ status: 'stopped', startedAt: begin.toISOString(), stoppedAt: end.toISOString() }, null), [begin, end])
})

t.test('stored, let go of, and reported again', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const rows = await leaseRows(db)
  const of: ReportContext = { ...context, workspace: { ...context.workspace, id: await rows.workspace(), companyId: rows.companyId, projectId: rows.projectId, projectWorkspaceId: rows.projectWorkspaceId } }
  const report: AdapterServiceReport = { ...web, port: 3000, stopPolicy: { type: 'idle_timeout', idleSeconds: 5 }, issueId: issueId.toUpperCase() }
  const id = idOf(report, of) ?? ''
  const row = await insertService(db, columnsOfReport(id, report, of, null))

  t.notOk(isNews(row, columnsOfReport(id, report, { ...of, now: new Date() }, row)), 'that it is still there is no news')
  t.ok(isNews(row, columnsOfReport(id, { ...report, port: 3001 }, of, row)))
  t.ok(isNews(row, columnsOfReport(id, { ...report, stopPolicy: { type: 'manual' } }, of, row)))
  t.ok(isOfSource(row, of))
  t.notOk(isOfSource(row, { ...of, adapterType: 'tent' }))
  t.notOk(isOfSource({ ...row, provider: 'local_process' }, of))

  const told = await letGoOfAdapterService({ db, now: () => now }, row, { op: null, reason: 'It was stopped on request.' })
  t.match(told, { runtimeServiceId: id, serviceName: 'web', membersBefore: [], survivors: [], portFree: null })
  const ended = await db.selectFrom('runtime_services').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  t.match(ended, { status: 'stopped', exit_reason: 'It was stopped on request. box runs it and has to end it; no process was signalled.', stopped_at: now })
  t.equal(await updateLiveService(db, id, { status: 'running' }, now), undefined)
})
