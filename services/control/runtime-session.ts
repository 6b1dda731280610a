/** What all commands of one runtime action share, and what the row of a service would be started as today. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import { absent } from '../access/company-access.ts'
import { systemActor } from '../access/actor.ts'
import { CommandDisabled, CommandNotFound, Unprocessable } from '../errors.ts'
import type { EnvironmentBuilder } from '../process/environment.ts'
import { resolveAddresses } from '../runtime/addresses.ts'
import { servicesOf, type WorkspaceCommand } from '../runtime/commands.ts'
import type { ServiceOwner } from '../runtime/identity.ts'
import type { Ports } from '../runtime/ports.ts'
import { planService, type Addresses, type PlanInput, type ServicePlan } from '../runtime/service-plan.ts'
import { storedDefinition } from '../runtime/stored-definition.ts'
import { loadCommandContext } from '../workspaces/context.ts'
import { homeOf, loadPlace, ownerOf, requirePath, withCommands, type RuntimePlace } from './runtime-place.ts'

export interface SessionDeps {
  db: Db
  ports: Ports
  environment: EnvironmentBuilder
}

/** Everything but the command itself. */
export type Session = Omit<PlanInput, 'command'>

/** @throws Unprocessable (422) when the workspace is gone, NoLocalPath (422) */
export async function openSession ({ db, environment }: SessionDeps, place: RuntimePlace, owner: ServiceOwner, callId: string = randomUUID()): Promise<Session> {
  const row = place.workspace ?? place.projectWorkspace
  if (row === null) throw new Unprocessable('The workspace is gone.')
  return {
    owner,
    context: await loadCommandContext(db, row, { agentId: owner.agentId, base: place.projectWorkspace }),
    environment,
    baseCwd: requirePath(place),
    callId,
    serviceNames: servicesOf(place.commands).map(({ definition }) => definition.name)
  }
}

/** The addresses of the services that a command speaks of. */
export async function addressesFor (deps: SessionDeps, { commands }: RuntimePlace, session: Session, { entry }: WorkspaceCommand): Promise<Addresses> {
  return await resolveAddresses(deps, entry, name => {
    const found = servicesOf(commands).find(({ definition }) => definition.name === name)
    return found === undefined ? null : planService({ ...session, command: found })
  })
}

export interface Replanned {
  place: RuntimePlace
  command: WorkspaceCommand
  plan: ServicePlan
  addresses: Addresses
}

/**
 * What starting the service of a row means by the config as it is now: for the same run and agent, on the same port.
 * @throws NotFound, CommandNotFound (404), CommandDisabled, Unprocessable, NoLocalPath, InvalidRuntimeConfig (422)
 */
export async function replan (deps: SessionDeps, row: ServiceRow): Promise<Replanned> {
  const target = homeOf(row)
  const found = target === null ? null : await loadPlace(deps.db, target)
  if (found === null) throw absent()
  const place = withCommands(found)
  const { commandId, holderKey } = storedDefinition(row, 0)
  const services = servicesOf(place.commands)
  const command = services.find(({ definition }) => definition.id === commandId) ?? services.find(({ definition }) => definition.name === row.service_name)
  if (command === undefined) throw new CommandNotFound(`${row.service_name} is not configured any more.`)
  const { name, disabledReason } = command.definition
  if (disabledReason !== null) throw new CommandDisabled(`${name} is disabled: ${disabledReason}`)
  const owner = { ...ownerOf(place, systemActor), issueId: row.issue_id, agentId: row.owner_agent_id, runId: row.started_by_run_id }
  const session = await openSession(deps, place, owner, row.scope_id ?? row.id)
  const plan = planService({ ...session, command })
  return { place, command, plan: { ...plan, holderKey }, addresses: await addressesFor(deps, place, session, command) }
}
