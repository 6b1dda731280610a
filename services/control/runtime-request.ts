/** Decides what a runtime request means: every refusal of the table, which commands to start, which services to stop. Pure. */
import { isLiveRow, type ServiceRow } from '../../db/runtime-services.ts'
import type { RuntimeAction, RuntimeControlBody } from '../../openapi/schemas/runtime.ts'
import { CommandDisabled, CommandNotFound, NoRuntimeConfig, RuntimeServiceNotFound, ServiceIndexOutOfRange, Unprocessable, WrongAction } from '../errors.ts'
import { servicesOf, type WorkspaceCommand } from '../runtime/commands.ts'
import { storedDefinition } from '../runtime/stored-definition.ts'

export interface RequestFacts {
  commands: readonly WorkspaceCommand[]
  hasConfig: boolean
  /** Current services of the place: the live ones and the newest of each identity. */
  services: readonly ServiceRow[]
  /** The row that `runtimeServiceId` names, if it is one of this place. */
  named: ServiceRow | null
}

export interface RuntimeRequest {
  action: RuntimeAction
  /** The command that was named, in whichever way; null for all. */
  command: WorkspaceCommand | null
  /** The service that was named by its id. */
  runtimeServiceId: string | null
  /** To be started, or for `run` the one job. */
  start: WorkspaceCommand[]
  /** To be stopped. */
  stop: ServiceRow[]
  /** Indexes of the services whose wanted state is remembered; null when it is left as it is. */
  remember: number[] | null
}

/**
 * What a request means.
 * @throws CommandNotFound, RuntimeServiceNotFound (404), ServiceIndexOutOfRange, WrongAction, NoRuntimeConfig,
 *   CommandDisabled, Unprocessable (422)
 */
export function decideRequest (action: RuntimeAction, body: RuntimeControlBody, facts: RequestFacts): RuntimeRequest {
  const command = namedCommand(body, facts)
  requireFit(action, command, body)
  if (action === 'run') return { action, command, runtimeServiceId: null, start: command === null ? [] : [command], stop: [], remember: null }
  const starts = action !== 'stop'
  if (starts && !facts.hasConfig) throw new NoRuntimeConfig('Nothing to start: neither the workspace, nor its project workspace, nor the policy has a runtime config.')
  return {
    action,
    command,
    runtimeServiceId: facts.named?.id ?? null,
    start: starts ? toStart(command, facts) : [],
    stop: action === 'start' ? [] : toStop(command, facts),
    remember: toRemember(action, command, body, facts)
  }
}

/** The live services that are meant by a command: by its id, else its index, else name, command and folder. */
export function servicesOfCommand ({ definition }: WorkspaceCommand, services: readonly ServiceRow[]): ServiceRow[] {
  const live = services.filter(isLiveRow)
  const ways: ((row: ServiceRow) => boolean)[] = [
    row => storedDefinition(row, 0).commandId === definition.id,
    row => row.config_index === definition.serviceIndex,
    row => row.service_name === definition.name && row.command === definition.command && (definition.cwd === null || row.cwd === definition.cwd)
  ]
  for (const way of ways) {
    const found = live.filter(way)
    if (found.length > 0) return found
  }
  return []
}

function namedCommand ({ workspaceCommandId, runtimeServiceId, serviceIndex }: RuntimeControlBody, facts: RequestFacts): WorkspaceCommand | null {
  const { commands, named } = facts
  const byId = workspaceCommandId == null ? null : commands.find(({ definition }) => definition.id === workspaceCommandId)
  if (byId === undefined) throw new CommandNotFound(`There is no workspace command ${workspaceCommandId}.`)
  if (runtimeServiceId != null && named === null) throw new RuntimeServiceNotFound(`${runtimeServiceId} is no runtime service of this workspace.`)
  const services = servicesOf(commands)
  const byIndex = serviceIndex == null ? null : services[serviceIndex]
  if (byIndex === undefined) throw new ServiceIndexOutOfRange(`There is no service ${serviceIndex}: ${services.length === 0 ? 'none is' : `${services.length} ${services.length === 1 ? 'is' : 'are'}`} configured.`)
  return byId ?? byIndex ?? (named === null ? null : commandOfService(named, services))
}

/** The command a service was started from, as far as it is still there. */
function commandOfService (row: ServiceRow, services: readonly WorkspaceCommand[]): WorkspaceCommand | null {
  const { commandId } = storedDefinition(row, 0)
  return services.find(({ definition }) => definition.id === commandId) ??
    services.find(({ definition }) => definition.name === row.service_name) ?? null
}

function requireFit (action: RuntimeAction, command: WorkspaceCommand | null, body: RuntimeControlBody): void {
  if (command === null) {
    if (action === 'run') throw new WrongAction('`run` needs a job: name it by `workspaceCommandId`.')
    if (action !== 'stop' && body.runtimeServiceId != null) throw new Unprocessable('The service is not configured any more, so it can only be stopped.')
    return
  }
  const { name, kind, disabledReason } = command.definition
  if (kind === 'job' && action !== 'run') throw new WrongAction(`${name} is a job: it can be run, but not ${action === 'stop' ? 'stopped' : `${action}ed`}.`)
  if (kind === 'service' && action === 'run') throw new WrongAction(`${name} is a service: start it; only jobs are run.`)
  if (disabledReason !== null && action !== 'stop') throw new CommandDisabled(`${name} is disabled: ${disabledReason}`)
}

function toStart (command: WorkspaceCommand | null, { commands }: RequestFacts): WorkspaceCommand[] {
  if (command !== null) return [command]
  const enabled = servicesOf(commands).filter(({ definition }) => definition.disabledReason === null)
  if (enabled.length === 0) throw new NoRuntimeConfig('Nothing to start: the runtime config has no service that is enabled.')
  return enabled
}

function toStop (command: WorkspaceCommand | null, { services, named }: RequestFacts): ServiceRow[] {
  if (named !== null) return isLiveRow(named) ? [named] : []
  return command === null ? services.filter(isLiveRow) : servicesOfCommand(command, services)
}

function toRemember (action: RuntimeAction, command: WorkspaceCommand | null, body: RuntimeControlBody, { commands }: RequestFacts): number[] | null {
  const named = body.workspaceCommandId != null || body.serviceIndex != null
  if (body.runtimeServiceId != null && !named) return null
  const chosen = command === null ? servicesOf(commands) : [command]
  const enabled = action === 'stop' ? chosen : chosen.filter(({ definition }) => definition.disabledReason === null)
  return enabled.flatMap(({ definition }) => definition.serviceIndex ?? [])
}
