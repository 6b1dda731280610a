/** The intent to start a service: its port decided, its command rendered, its row stored with the mark before any process is there. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { insertService, updateLiveService, type ServicePatch, type ServiceRow } from '../../db/runtime-services.ts'
import type { NewRow } from '../../db/tables.ts'
import { ServiceStartFailed, isProblem } from '../errors.ts'
import { isListenedOn } from '../process/port-use.ts'
import { healthPlanOf } from './health.ts'
import { openServiceLog, removeOldLog } from './log-file.ts'
import { assertFree, type Ports } from './ports.ts'
import type { Probe } from './probe.ts'
import { renderService, type RenderedService, type ServicePlan } from './service-plan.ts'
import type { ServiceRunDeps, ServiceRunInput } from './service-run.ts'
import { toStored } from './stored-definition.ts'

/** Everything one attempt knows about itself. */
export interface Attempt extends ServiceRunInput {
  row: ServiceRow
  mark: string
  port: number | null
  rendered: RenderedService
  probe: Probe | null
  log: { path: string, fromByte: number }
}

/** Where the log of one start of a service lies; `ref` is what the row keeps. Attempts count from 1. */
export function serviceLogPlace (dataDir: string, id: string, attempt: number): { ref: string, path: string } {
  const ref = join('services', `${id}.${attempt}.log`)
  return { ref, path: join(dataDir, 'logs', ref) }
}

/** Decides the port, renders, and stores the intent with its mark before anything is started: in a new row, or in that of the service that is started again. */
export async function prepareAttempt (deps: ServiceRunDeps, input: ServiceRunInput, before: ServiceRow | null): Promise<Attempt> {
  const { plan, addresses } = input
  const id = before?.id ?? randomUUID()
  const number = before === null ? 1 : before.attempt + 1
  const mark = randomUUID()
  const place = serviceLogPlace(deps.dataDir, id, number)
  const [port, log] = await Promise.all([choosePort(input, deps.ports), openServiceLog(place.path)])
  const rendered = renderService(plan, { port, addresses, mark })
  const probe = probeOf(plan, { port, rendered, log })
  const shown = plan.command.definition.command
  const columns = {
    ...definitionColumns(plan),
    // For showing only: what is run is rendered from the config.
    command: shown === null ? null : deps.redactor.with(rendered.env).mask(shown),
    status: 'starting' as const,
    health_status: 'unknown' as const,
    port,
    url: rendered.url,
    log_ref: place.ref,
    spawn_mark: mark,
    attempt: number,
    definition: JSON.stringify(toStored(plan, deps.serviceLogMaxBytes, healthPlanOf(plan.entry, probe)))
  }
  const row = before === null ? await insertIntent(deps, plan, { id, ...columns }) : await renewIntent(deps, before, columns)
  await removeOldLog(attempt => serviceLogPlace(deps.dataDir, id, attempt).path, number)
  return { ...input, row, mark, port, rendered, probe, log }
}

async function insertIntent ({ db, hostId, now }: ServiceRunDeps, plan: ServicePlan, columns: Omit<NewRow<'runtime_services'>, 'provider' | 'company_id' | 'scope_type'>): Promise<ServiceRow> {
  const at = now()
  return await insertService(db, { ...ownerColumns(plan), ...columns, provider: 'local_process', host_id: hostId, last_used_at: at, started_at: at, created_at: at, updated_at: at })
}

/** A restart counts from its beginning, and is known by its new mark alone until its process is stored. */
async function renewIntent ({ db, now }: ServiceRunDeps, before: ServiceRow, columns: ServicePatch): Promise<ServiceRow> {
  const at = now()
  const isRestart = before.status === 'backing_off'
  const row = await updateLiveService(db, before.id, {
    ...columns,
    provider_ref: null,
    pid_start_time: null,
    next_restart_at: null,
    started_at: at,
    stopped_at: null,
    ...(isRestart ? { restart_count: before.restart_count + 1 } : {})
  }, at)
  if (row === undefined) throw new ServiceStartFailed(`${before.service_name} was not started again: its record was ended meanwhile.`)
  return row
}

async function choosePort ({ plan: { name, port, holderKey }, reserved }: ServiceRunInput, ports: Ports): Promise<number | null> {
  if (port.type === 'auto') {
    const kept = await (reserved ?? ports.reserve(holderKey))
    return await isListenedOn(kept) ? await ports.reserveAnother(holderKey, kept) : kept
  }
  if (port.type === 'none') return null
  try {
    await assertFree(port.value)
  } catch (error) {
    if (!isProblem(error)) throw error
    throw new ServiceStartFailed(`${name} did not start: ${error.detail}.`, { members: { ...error.members, service: name, lastLines: [] }, cause: error })
  }
  return port.value
}

function ownerColumns ({ owner, scope }: ServicePlan) {
  return {
    company_id: owner.companyId,
    project_id: owner.projectId,
    project_workspace_id: owner.projectWorkspaceId,
    execution_workspace_id: owner.executionWorkspaceId,
    issue_id: owner.issueId,
    scope_type: scope.scopeType,
    scope_id: scope.scopeId,
    owner_agent_id: owner.agentId,
    started_by_run_id: owner.runId
  }
}

function definitionColumns (plan: ServicePlan) {
  const { command: { definition }, entry } = plan
  return {
    service_name: plan.name,
    lifecycle: plan.lifecycle,
    reuse_key: plan.reuseKey,
    identity_key: plan.identityKey,
    cwd: plan.cwd,
    config_index: definition.serviceIndex,
    stop_policy: entry.stopPolicy === undefined ? null : JSON.stringify(entry.stopPolicy)
  }
}

/** How a started service is asked whether it is ready, and later whether it is well; null where there is nothing to ask. */
export function probeOf (plan: ServicePlan, { port, rendered, log }: Pick<Attempt, 'port' | 'rendered' | 'log'>): Probe | null {
  const { readiness } = plan.entry
  switch (readiness?.type) {
    case undefined: return null
    case 'http': return { type: 'http', url: rendered.readinessUrl ?? '' }
    case 'tcp': return { type: 'tcp', port: port ?? 0 }
    case 'log': return { type: 'log', pattern: readiness.pattern ?? '', logPath: log.path, fromByte: log.fromByte }
    case 'command': return {
      type: 'command',
      user: plan.environment.user,
      cwd: plan.cwd,
      command: '',
      env: {},
      ...rendered.readinessCommand,
      requireFolder: async () => await plan.environment.requireFolder(plan.cwd, plan.context)
    }
  }
}
