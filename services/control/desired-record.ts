/** Remembers what was asked for: the wanted states of a place's services, and the activity row, in one transaction. */
import type { Db } from '../../db/client.ts'
import { touchWorkspace, updateWorkspace, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import type { RuntimeAction } from '../../openapi/schemas/runtime.ts'
import type { Actor } from '../access/actor.ts'
import { recordActivity } from '../operations/activity.ts'
import { servicesOf } from '../runtime/commands.ts'
import { withDesired, type DesiredState, type DesiredStates } from '../runtime/desired-state.ts'
import { patchConfig } from '../workspaces/config.ts'
import type { RuntimePlace } from './runtime-place.ts'
import type { RuntimeRequest } from './runtime-request.ts'

export interface DesiredRecord {
  place: RuntimePlace
  request: RuntimeRequest
  now: Date
  /** Indexes of services that a stop leaves running, because other workspaces use them. */
  usedByOthers?: readonly number[]
}

/** A stop is recorded when it begins, the others when they have ended. */
export type ActionStatus = 'begun' | 'succeeded' | 'failed'

export interface ActivityRecord extends DesiredRecord {
  actor: Actor
  operationId: string
  status: ActionStatus
}

const wantedBy: Record<RuntimeAction, DesiredState | null> = { start: 'running', restart: 'running', stop: 'stopped', run: null }

/** Stores the wanted states where they changed; a workspace that borrows its services from its project workspace sets those too. */
export async function rememberDesired (trx: Db, { place, request, now, usedByOthers = [] }: DesiredRecord): Promise<void> {
  const wanted = wantedBy[request.action]
  if (wanted === null || request.remember === null) return
  const change = { wanted, indexes: request.remember, serviceCount: servicesOf(place.commands).length }
  if (place.workspace !== null) await rememberInWorkspace(trx, place.workspace, change, now)
  if (place.owner.kind !== 'project') return
  const indexes = wanted === 'stopped' ? request.remember.filter(index => !usedByOthers.includes(index)) : request.remember
  await rememberInProject(trx, place.owner.id, { ...change, indexes }, now)
}

/** Writes the activity row of the action and marks the workspace as used, unless the service acted by itself. */
export async function recordAction (trx: Db, { place, request, now, actor, operationId, status }: ActivityRecord): Promise<void> {
  const execution = place.kind === 'execution'
  if (execution && actor.type !== 'system') await touchWorkspace(trx, place.id, now)
  await recordActivity(trx, {
    companyId: place.companyId,
    actor,
    action: execution ? `execution_workspace.runtime_${request.action}` : `project.workspace_runtime_${request.action}`,
    entityType: execution ? 'execution_workspace' : 'project',
    entityId: execution ? place.id : place.projectId,
    details: {
      projectWorkspaceId: place.projectWorkspace?.id ?? null,
      workspaceCommandId: request.command?.definition.id ?? null,
      runtimeServiceId: request.runtimeServiceId,
      operationId,
      status
    }
  })
}

type Change = Parameters<typeof withDesired>[1]

/** Tried with the row as it was read a moment ago; read again and locked only where it was changed since. */
async function rememberInWorkspace (trx: Db, known: WorkspaceRow, change: Change, now: Date): Promise<void> {
  if (await storeDesired(trx, known, change, now, { version: known.version })) return
  const row = await trx.selectFrom('execution_workspaces').selectAll().where('id', '=', known.id).forUpdate().executeTakeFirst()
  if (row !== undefined) await storeDesired(trx, row, change, now, {})
}

/** False when the row is in another version by now. */
async function storeDesired (trx: Db, { id, config, version }: WorkspaceRow, change: Change, now: Date, expected: { version?: number }): Promise<boolean> {
  const before: DesiredStates = { desiredState: config?.desiredState ?? null, serviceStates: config?.serviceStates ?? null }
  const after = withDesired(before, change)
  if (same(before, after)) return expected.version === undefined || await isVersion(trx, id, version)
  return await updateWorkspace(trx, id, { config: JSON.stringify(patchConfig(config, after)) }, now, expected) !== undefined
}

/** Nothing to change is only true of the row as it is now; it is kept from changing until the transaction ends. */
async function isVersion (trx: Db, id: string, version: number): Promise<boolean> {
  const row = await trx.selectFrom('execution_workspaces').select('version').where('id', '=', id).forUpdate().executeTakeFirst()
  return row?.version === version
}

async function rememberInProject (trx: Db, id: string, change: Change, now: Date): Promise<void> {
  const row = await trx.selectFrom('project_workspaces').select(['desired_state', 'service_states']).where('id', '=', id).forUpdate().executeTakeFirst()
  if (row === undefined) return
  const before: DesiredStates = { desiredState: row.desired_state, serviceStates: row.service_states }
  const after = withDesired(before, change)
  if (same(before, after)) return
  await trx.updateTable('project_workspaces')
    .set({ desired_state: after.desiredState, service_states: JSON.stringify(after.serviceStates), updated_at: now })
    .where('id', '=', id).execute()
}

function same (before: DesiredStates, after: DesiredStates): boolean {
  const entries = (states: DesiredStates) => JSON.stringify([states.desiredState, Object.entries(states.serviceStates ?? {}).sort()])
  return entries(before) === entries(after)
}
