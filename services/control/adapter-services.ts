/** Adapter reports end to end: who may, each report stored under its id, and one activity row for what is new. */
import type { Db } from '../../db/client.ts'
import { insertAdapterService, listServicesById, lockReportsOf, updateAdapterService } from '../../db/adapter-services.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import type { AdapterServiceReport, AdapterServicesAnswer, AdapterServicesBody } from '../../openapi/schemas/adapter-service.ts'
import { runIdOf, type Actor } from '../access/actor.ts'
import { absent } from '../access/company-access.ts'
import { Conflict, Unprocessable } from '../errors.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import { columnsOfReport, idsOfReport, isNews, isOfSource, type ReportContext } from '../runtime/adapter-services.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import type { FoundPlace } from './runtime-place.ts'
import { openWorkspace, whileUsable, type UsableWorkspaceDeps } from './usable-workspace.ts'

export interface AdapterServicesDeps extends UsableWorkspaceDeps {
  now: () => Date
}

export interface AdapterServices {
  /**
   * Stores how the services are that another system runs for a workspace. Those it does not tell of stay as they are.
   * @throws NotFound (404), Forbidden (403), WorkspaceStateConflict, WorkspaceBusy (409), Unprocessable (422) for two reports on one service
   */
  report (actor: Actor, workspaceId: string, body: AdapterServicesBody): Promise<AdapterServicesAnswer>
}

export function createAdapterServices (deps: AdapterServicesDeps): AdapterServices {
  return {
    async report (actor, workspaceId, body) {
      const place = await openWorkspace(deps, actor, workspaceId)
      const rows = await whileUsable(deps, place, 'storing reports of services', async current =>
        await deps.db.transaction().execute(async trx => await storeReports(trx, actor, contextOf(current, actor, body, deps.now()), body.reports)))
      return { runtimeServices: rows.map(toRuntimeService) }
    }
  }
}

function contextOf ({ id, companyId, projectId, projectWorkspace, workspace, cwd }: FoundPlace, actor: Actor, { adapterType, runId }: AdapterServicesBody, now: Date): ReportContext {
  return {
    workspace: { id, companyId, projectId, projectWorkspaceId: projectWorkspace?.id ?? null, issueId: workspace?.source_issue_id ?? null, cwd },
    adapterType,
    runId: runId?.toLowerCase() ?? runIdOf(actor),
    agentId: actor.type === 'agent' ? actor.agentId : null,
    now
  }
}

interface Stored {
  row: ServiceRow
  isNews: boolean
}

async function storeReports (trx: Db, actor: Actor, context: ReportContext, reports: readonly AdapterServiceReport[]): Promise<ServiceRow[]> {
  if (!await lockReportsOf(trx, context.workspace.id)) throw absent()
  const known = new Map((await listServicesById(trx, reports.flatMap(report => idsOfReport(report, context)))).map(row => [row.id, row]))
  const stored: Stored[] = []
  for (const [index, report] of reports.entries()) {
    const seen = new Set(stored.map(({ row }) => row.id))
    if (idsOfReport(report, context).some(id => seen.has(id))) throw twice(index, report)
    stored.push(await storeReport(trx, context, report, known))
  }
  const news = stored.filter(one => one.isNews).map(({ row }) => row)
  if (news.length > 0) {
    await recordWorkspaceActivity(trx, { id: context.workspace.id, company_id: context.workspace.companyId }, {
      actor,
      action: 'adapter_services_reported',
      details: { adapterType: context.adapterType, runId: context.runId, services: news.map(({ id, service_name: name, status }) => ({ id, name, status })) }
    })
  }
  return stored.map(({ row }) => row)
}

/** Under the first of its ids that is its own or nobody's. */
async function storeReport (trx: Db, context: ReportContext, report: AdapterServiceReport, known: ReadonlyMap<string, ServiceRow>): Promise<Stored> {
  for (const id of idsOfReport(report, context)) {
    const before = known.get(id)
    if (before !== undefined && !isOfSource(before, context)) continue
    const columns = columnsOfReport(id, report, context, before ?? null)
    const news = before === undefined || isNews(before, columns)
    const row = before === undefined
      ? await insertAdapterService(trx, { ...columns, created_at: context.now, updated_at: context.now })
      : await updateAdapterService(trx, id, { workspaceId: context.workspace.id, adapterType: context.adapterType }, news ? { ...columns, updated_at: context.now } : { last_used_at: context.now })
    if (row !== undefined) return { row, isNews: news }
  }
  throw new Conflict(`The service ${report.serviceName} is being reported elsewhere at the same time; try again.`)
}

function twice (index: number, { serviceName }: AdapterServiceReport): Error {
  const message = 'is the same service as an earlier one'
  return new Unprocessable(`Report ${index + 1}, ${serviceName}, ${message}; give it an \`id\` of its own.`, { members: { errors: [{ pointer: `/reports/${index}`, message }] } })
}
