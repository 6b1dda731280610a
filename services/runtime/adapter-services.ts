/** Services that another system runs: what a report makes of one, under an id that stays. They are shown, never signalled. Pure but for the stop. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { updateLiveService, isLiveRow, type ServiceRow } from '../../db/runtime-services.ts'
import type { NewRow } from '../../db/tables.ts'
import type { AdapterServiceReport } from '../../openapi/schemas/adapter-service.ts'
import { uuidPattern } from '../../openapi/schemas/kit.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { storableOrNull, storableText } from '../operations/storable.ts'
import type { ServiceRunDeps } from './service-run.ts'
import type { StopReport } from './service-stop.ts'

/** Who reports, on which workspace. */
export interface ReportContext {
  workspace: { id: string, companyId: string, projectId: string, projectWorkspaceId: string | null, issueId: string | null, cwd: string | null }
  adapterType: string
  runId: string | null
  /** The agent that reports; null for people. */
  agentId: string | null
  now: Date
}

type Columns = NewRow<'runtime_services'>

const uuid = new RegExp(uuidPattern)

/** The ids a report may have, the best first: its own if that is a UUID, and the one made from what identifies it. */
export function idsOfReport (report: AdapterServiceReport, context: ReportContext): [...own: string[], derived: string] {
  const { id } = report
  const { scopeType, scopeId } = scopeOfReport(report, context)
  const key = id == null ? ['service', scopeType, scopeId, report.serviceName] : ['id', id]
  const derived = uuidOf([context.workspace.id, context.adapterType, ...key])
  return id != null && uuid.test(id) ? [id.toLowerCase(), derived] : [derived]
}

/** True when the row was made by reports of the same system on the same workspace. */
export function isOfSource ({ provider, definition }: ServiceRow, { workspace, adapterType }: ReportContext): boolean {
  return provider === 'adapter_managed' && definition?.['workspaceId'] === workspace.id && definition['adapterType'] === adapterType
}

/** The columns of a service as reported; `before` is its row as it is, if there is one. */
export function columnsOfReport (id: string, report: AdapterServiceReport, context: ReportContext, before: ServiceRow | null): Columns {
  const { workspace, adapterType, runId, agentId, now } = context
  return {
    id,
    company_id: workspace.companyId,
    project_id: workspace.projectId,
    project_workspace_id: workspace.projectWorkspaceId,
    execution_workspace_id: workspace.id,
    issue_id: report.issueId?.toLowerCase() ?? workspace.issueId,
    ...scopeColumns(report, context),
    ...placeColumns(report, workspace.cwd),
    ...stateColumns(report, before, now),
    service_name: storableText(report.serviceName),
    // A key of its own, and no reuse key: it must never stand in for a service that is to be started here.
    reuse_key: null,
    identity_key: `adapter:${id}`,
    provider: 'adapter_managed',
    owner_agent_id: report.ownerAgentId?.toLowerCase() ?? agentId,
    started_by_run_id: runId,
    stop_policy: report.stopPolicy == null ? null : JSON.stringify(report.stopPolicy),
    definition: JSON.stringify({ adapterType, workspaceId: workspace.id }),
    last_used_at: now
  }
}

function placeColumns ({ command = null, cwd, port = null, url = null, providerRef = null }: AdapterServiceReport, workspaceCwd: string | null) {
  return {
    command: storableOrNull(command),
    cwd: storableOrNull(cwd === undefined ? workspaceCwd : cwd),
    port,
    url: storableOrNull(url),
    provider_ref: storableOrNull(providerRef)
  }
}

/** Times that are not told are those known before, as long as it goes on as it was; else now. */
function stateColumns (report: AdapterServiceReport, before: ServiceRow | null, now: Date) {
  const { status = 'running', healthStatus = 'unknown', exitCode = null, exitReason = null } = report
  const lives = isLiveRow({ status })
  const lived = before !== null && isLiveRow(before)
  const goesOn = before !== null && (lived || !lives)
  return {
    status,
    health_status: healthStatus,
    exit_code: exitCode,
    exit_reason: storableOrNull(exitReason),
    started_at: timeOf(report.startedAt) ?? (goesOn ? before.started_at : now),
    stopped_at: lives ? null : timeOf(report.stoppedAt) ?? (lived ? null : before?.stopped_at) ?? now
  }
}

/** True when a report says something new of a service, beside that it is still there. */
export function isNews (before: ServiceRow, after: Columns): boolean {
  const json = new Set(['stop_policy', 'definition'])
  return Object.entries(after).some(([column, value]) => {
    if (column === 'last_used_at') return false
    const told: unknown = json.has(column) && typeof value === 'string' ? JSON.parse(value) : value
    return !isDeepStrictEqual(before[column as keyof ServiceRow], told)
  })
}

function scopeColumns (report: AdapterServiceReport, context: ReportContext): Pick<Columns, 'scope_type' | 'scope_id' | 'lifecycle'> {
  const { scopeType, scopeId } = scopeOfReport(report, context)
  return { scope_type: scopeType, scope_id: storableOrNull(scopeId), lifecycle: report.lifecycle ?? (scopeType === 'run' ? 'ephemeral' : 'shared') }
}

function scopeOfReport ({ scopeType = 'execution_workspace', scopeId, ownerAgentId }: AdapterServiceReport, { workspace, runId, agentId }: ReportContext) {
  const defaults = {
    execution_workspace: workspace.id,
    project_workspace: workspace.projectWorkspaceId,
    run: runId,
    agent: ownerAgentId?.toLowerCase() ?? agentId
  }
  return { scopeType, scopeId: scopeId ?? defaults[scopeType] }
}

function timeOf (time: string | null | undefined): Date | null {
  return time == null ? null : new Date(time)
}

/** A UUID of version 8 (RFC 9562) made from a digest: the same parts give the same id. */
function uuidOf (parts: readonly (string | null)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  const variant = (8 + Number.parseInt(hex.charAt(16), 16) % 4).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * "Stops" a service that another system runs: its row ends, saying so; nothing is signalled, and its port is not waited for.
 * A later report that it runs brings the row back.
 */
export async function letGoOfAdapterService ({ db, now }: Pick<ServiceRunDeps, 'db' | 'now'>, row: ServiceRow, { op, reason }: { op: OperationHandle | null, reason: string }): Promise<StopReport> {
  const adapterType = String(row.definition?.['adapterType'] ?? 'another system')
  const words = `${reason} ${adapterType} runs it and has to end it; no process was signalled.`
  const at = now()
  await updateLiveService(db, row.id, { status: 'stopped', health_status: 'unknown', exit_reason: words, stopped_at: at }, at)
  op?.log.system(`${row.service_name}: let go of. ${adapterType} runs it and has to end it; no process was signalled.`)
  return { runtimeServiceId: row.id, serviceName: row.service_name, membersBefore: [], survivors: [], forced: false, portFree: null, durationMs: 0, kept: false }
}
