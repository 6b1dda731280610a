/** One stop by policy: its operation, a last look with the service's lock held, and what is remembered of it. */
import type { Db } from '../../db/client.ts'
import { hasLiveTwin, listServiceHomes } from '../../db/leased-services.ts'
import { findService, type ServiceRow } from '../../db/runtime-services.ts'
import { dropAllServiceUses } from '../../db/service-uses.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { systemActor } from '../access/actor.ts'
import { isProblem } from '../errors.ts'
import { recordActivity } from '../operations/activity.ts'
import type { OperationHandle, OperationInput, Recorder } from '../operations/recorder.ts'
import { servicesOf } from '../runtime/commands.ts'
import { judgeServices } from '../runtime/leases.ts'
import { failedStopMetadata, stopMetadata, stopsGoOn } from '../runtime/stop-metadata.ts'
import { storedDefinition } from '../runtime/stored-definition.ts'
import type { StopDecision } from '../runtime/stop-policy.ts'
import type { Supervisor } from '../runtime/supervisor.ts'
import { rememberDesired } from './desired-record.ts'
import { loadPlace, withCommands, type RuntimePlace, type RuntimeTarget } from './runtime-place.ts'

export interface PolicyStopDeps {
  db: Db
  hostId: string
  recorder: Recorder
  /** The supervisor's. */
  stopService: Supervisor['stop']
  now: () => Date
}

export type Stopping = Extract<StopDecision, { stop: true }>

export interface PolicyStop {
  /** The service as it is now. */
  row: ServiceRow
  operation: WorkspaceOperation
}

/**
 * Stops a service that is due, as the service itself; `skipped` when something came in between that keeps it.
 * @throws StopIncomplete (422), WorkspaceBusy (409)
 */
export async function stopByPolicy (deps: PolicyStopDeps, row: ServiceRow, decision: Stopping): Promise<PolicyStop> {
  const { value: stopped, operation } = await deps.recorder.run(inputOf(row, decision), async op => {
    op.refuseCancel(stopsGoOn)
    return await stopUnlessHeld(deps, { row, decision, op })
  })
  return { row: stopped, operation }
}

function inputOf (row: ServiceRow, { cause, runId, reason }: Stopping): OperationInput {
  return {
    companyId: row.company_id,
    executionWorkspaceId: row.execution_workspace_id,
    projectWorkspaceId: row.project_workspace_id,
    heartbeatRunId: runId,
    phase: 'workspace_teardown',
    command: `stop ${row.service_name}`,
    cwd: row.cwd,
    metadata: { action: 'stop', cause, reason, executionWorkspaceId: row.execution_workspace_id, runtimeServiceId: row.id, runtimeServiceCount: 0 }
  }
}

/** Stops the service; what came in between and keeps it is said in the operation, which is then `skipped`. */
async function stopUnlessHeld (deps: PolicyStopDeps, { row, decision, op }: { row: ServiceRow, decision: Stopping, op: OperationHandle }): Promise<ServiceRow> {
  op.log.system(`${row.service_name} is to be stopped. ${decision.reason}`)
  let kept = 'It had ended already.'
  try {
    const guard = async () => {
      const why = await commitTo(deps, row.id, op)
      if (why !== null) kept = why
      return why === null
    }
    const report = await deps.stopService(row, { op, reason: decision.reason, guard, leaving: null })
    if (report === null) {
      op.log.system(kept)
      await op.finish({ status: 'skipped', metadata: { reason: kept } })
    } else {
      op.annotate(stopMetadata([report]))
    }
  } catch (error) {
    op.annotate(failedStopMetadata(error))
    throw error
  }
  return await findService(deps.db, row.id) ?? row
}

/**
 * Looks once more, with the service's lock held: a lease that was taken or a use that came meanwhile keeps the service.
 * Else remembers that it is not wanted any more, before it ends, so that a crash in between does not bring it back.
 * @returns why it is kept, a sentence; null when it may go
 */
async function commitTo ({ db, hostId, now }: PolicyStopDeps, id: string, op: OperationHandle): Promise<string | null> {
  return await db.transaction().execute(async trx => {
    const at = now()
    const [judged] = await judgeServices(trx, { hostId, ids: [id], now: at })
    if (judged === undefined) return 'It had ended already.'
    const { row, decision } = judged
    if (!decision.stop) return decision.heldBy.length > 0 ? `It is kept for ${decision.heldBy.length === 1 ? 'run' : 'runs'} ${decision.heldBy.join(', ')}.` : 'It is kept: it was used again meanwhile.'
    await forgetWishes(trx, row, at)
    await recordStop(trx, row, decision, op)
    return null
  })
}

/** Nobody wants it any more, in whichever places it was started; another one of the same kind may still be wanted. */
async function forgetWishes (trx: Db, row: ServiceRow, now: Date): Promise<void> {
  if (await hasLiveTwin(trx, row)) return
  const homes = await listServiceHomes(trx, row)
  for (const id of homes.executionWorkspaceIds) await forgetWish(trx, { kind: 'execution', id }, row, now)
  for (const home of homes.projectWorkspaces) await forgetWish(trx, { kind: 'project', ...home }, row, now)
  if (row.reuse_key !== null) await dropAllServiceUses(trx, row.reuse_key)
}

async function forgetWish (trx: Db, target: RuntimeTarget, row: ServiceRow, now: Date): Promise<void> {
  const place = await readPlace(trx, target)
  if (place === null) return
  const { commandId } = storedDefinition(row, 0)
  const command = servicesOf(place.commands).find(({ definition }) => definition.id === commandId)
  const index = command?.definition.serviceIndex
  if (command === undefined || index == null) return
  await rememberDesired(trx, { place, request: { action: 'stop', command, runtimeServiceId: row.id, start: [], stop: [row], remember: [index] }, now })
}

/** Null where there is none, or where its config can't be read: then nothing of it is brought back either. */
async function readPlace (trx: Db, target: RuntimeTarget): Promise<RuntimePlace | null> {
  const found = await loadPlace(trx, target)
  try {
    return found === null ? null : withCommands(found)
  } catch (error) {
    if (isProblem(error)) return null
    throw error
  }
}

async function recordStop (trx: Db, row: ServiceRow, { cause, runId }: Stopping, op: OperationHandle): Promise<void> {
  const workspaceId = row.execution_workspace_id
  await recordActivity(trx, {
    companyId: row.company_id,
    actor: systemActor,
    action: workspaceId === null ? 'project.workspace_runtime_stop' : 'execution_workspace.runtime_stop',
    entityType: workspaceId === null ? 'project' : 'execution_workspace',
    entityId: workspaceId ?? row.project_id ?? row.id,
    details: { projectWorkspaceId: row.project_workspace_id, workspaceCommandId: storedDefinition(row, 0).commandId, runtimeServiceId: row.id, operationId: op.id, status: 'begun', cause, runId }
  })
}
