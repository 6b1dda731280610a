/** Remembers what was asked for: the wanted states of a place's services, and the activity row, in one transaction. */
import type { Db } from '../../db/client.ts'
import { findWorkspace, touchWorkspace, updateWorkspace, useWorkspace, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import type { RuntimeAction } from '../../openapi/schemas/runtime.ts'
import type { Actor } from '../access/actor.ts'
import { activityRow, recordActivity, type ActivityEntry } from '../operations/activity.ts'
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
export async function rememberDesired (trx: Db, record: DesiredRecord): Promise<void> {
  const { place, now, usedByOthers = [] } = record
  const change = changeOf(record)
  if (change === null) return
  if (place.workspace !== null) await rememberInWorkspace(trx, place.workspace, change, now)
  if (place.owner.kind !== 'project') return
  const indexes = change.wanted === 'stopped' ? change.indexes.filter(index => !usedByOthers.includes(index)) : change.indexes
  await rememberInProject(trx, place.owner.id, { ...change, indexes }, now)
}

/** Null where the request says nothing of what should run. */
function changeOf ({ place, request: { action, remember } }: Pick<DesiredRecord, 'place' | 'request'>): Change | null {
  const wanted = wantedBy[action]
  return wanted === null || remember === null ? null : { wanted, indexes: remember, serviceCount: servicesOf(place.commands).length }
}

/** Writes the activity row of the action and marks the workspace as used, unless the service acted by itself. */
export async function recordAction (trx: Db, record: ActivityRecord): Promise<void> {
  const { place, now, actor } = record
  if (place.kind === 'execution' && actor.type !== 'system') await touchWorkspace(trx, place.id, now)
  await recordActivity(trx, activityOf(record))
}

/**
 * Remembers what was asked for (not for a failure) and writes the activity row: both, or neither.
 * @returns the execution workspace as it is then; null where there is none
 */
export async function recordRequest (db: Db, record: ActivityRecord): Promise<WorkspaceRow | null> {
  const { place: { workspace }, status } = record
  return await recordInOneStatement(db, record) ?? await db.transaction().execute(async trx => {
    if (status !== 'failed') await rememberDesired(trx, record)
    await recordAction(trx, record)
    return workspace === null ? null : await findWorkspace(trx, workspace.id) ?? null
  })
}

/** The usual case: the workspace as it was read a moment ago, and nothing else to remember it in. Undefined where it is another. */
async function recordInOneStatement (db: Db, record: ActivityRecord): Promise<WorkspaceRow | undefined> {
  const { place, actor, now, status } = record
  const { workspace } = place
  if (workspace === null || actor.type === 'system') return undefined
  const change = status === 'failed' ? null : changeOf(record)
  if (change !== null && place.owner.kind === 'project') return undefined
  const activity = activityRow(activityOf(record))
  if (change === null) return await useWorkspace(db, workspace.id, { now, activity })
  const config = configAfter(workspace, change)
  return await useWorkspace(db, workspace.id, { now, activity, config: config ?? undefined, version: workspace.version })
}

function activityOf ({ place, request, actor, operationId, status }: ActivityRecord): ActivityEntry {
  const execution = place.kind === 'execution'
  return {
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
  }
}

type Change = Parameters<typeof withDesired>[1]

/** Tried with the row as it was read a moment ago; read again and locked only where it was changed since. */
async function rememberInWorkspace (trx: Db, known: WorkspaceRow, change: Change, now: Date): Promise<void> {
  if (await storeDesired(trx, known, change, now, { version: known.version })) return
  const row = await trx.selectFrom('execution_workspaces').selectAll().where('id', '=', known.id).forUpdate().executeTakeFirst()
  if (row !== undefined) await storeDesired(trx, row, change, now, {})
}

/** False when the row is in another version by now. */
async function storeDesired (trx: Db, row: WorkspaceRow, change: Change, now: Date, expected: { version?: number }): Promise<boolean> {
  const config = configAfter(row, change)
  if (config === null) return expected.version === undefined || await isVersion(trx, row.id, expected.version)
  return await updateWorkspace(trx, row.id, { config }, now, expected) !== undefined
}

/** The config with the states after the change, as JSON text; null where they are so already. */
function configAfter ({ config }: WorkspaceRow, change: Change): string | null {
  const before: DesiredStates = { desiredState: config?.desiredState ?? null, serviceStates: config?.serviceStates ?? null }
  const after = withDesired(before, change)
  return same(before, after) ? null : JSON.stringify(patchConfig(config, after))
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
