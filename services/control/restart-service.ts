/** Starts a service again whose policy asked for it: under an operation of its own that tells the reason, by the config as it is now. */
import { findService, type ServiceRow } from '../../db/runtime-services.ts'
import type { Locks } from '../operations/locks.ts'
import type { OperationHandle, Recorder } from '../operations/recorder.ts'
import type { Supervisor } from '../runtime/supervisor.ts'
import { systemActor } from '../access/actor.ts'
import { recordAction } from './desired-record.ts'
import { placeLock, requireStillUsable } from './runtime-place.ts'
import { operationInput } from './runtime-operation.ts'
import { replan, type Replanned, type SessionDeps } from './runtime-session.ts'

export interface RestartDeps extends SessionDeps {
  locks: Locks
  recorder: Recorder
  supervisor: Pick<Supervisor, 'restart' | 'failRestart'>
  now: () => Date
}

/**
 * Restarts a service that backs off; nothing happens to one that does not any more. Whatever goes wrong is settled in its
 * row by its policy.
 * @throws what went wrong, for the log
 */
export async function restartService (deps: RestartDeps, id: string): Promise<void> {
  const row = await findService(deps.db, id)
  if (row?.status !== 'backing_off') return
  const replanned = await replan(deps, row).catch(async (error: unknown) => await giveUp(deps, row, error))
  const { place, command } = replanned
  const input = operationInput(place, { action: 'restart', command, runtimeServiceId: row.id }, row.started_by_run_id)
  await deps.recorder.run({ ...input, metadata: { ...input.metadata, automatic: true, reason: row.exit_reason, restartCount: row.restart_count + 1 } },
    async op => await restartUnder(deps, op, row, replanned))
}

async function restartUnder (deps: RestartDeps, op: OperationHandle, row: ServiceRow, { place, command, plan, addresses }: Replanned): Promise<void> {
  op.log.system(`${row.service_name} is started again by its restart policy. ${row.exit_reason ?? ''}`)
  const record = async (status: 'succeeded' | 'failed') => await recordAction(deps.db, {
    place, request: { action: 'restart', command, runtimeServiceId: row.id, start: [command], stop: [], remember: null }, now: deps.now(), actor: systemActor, operationId: op.id, status
  })
  // Where it is busy for longer it is being archived, which ends the service itself.
  const lock = { ...placeLock(place, `restart of ${row.service_name}`), operationId: op.id, signal: op.signal }
  let begun = false
  try {
    const restarted = await deps.locks.withLock(lock, async held => {
      requireStillUsable(place, held)
      begun = true
      return await deps.supervisor.restart(row.id, { plan, addresses, op })
    })
    if (restarted === null) op.log.system(`${row.service_name}: nothing to do; it was stopped or started meanwhile.`)
    else await record('succeeded')
    op.annotate({ runtimeServiceCount: restarted === null ? 0 : 1 })
  } catch (error) {
    if (!begun) await deps.supervisor.failRestart(row.id, error, op.signal)
    await record('failed')
    throw error
  }
}

async function giveUp ({ supervisor }: RestartDeps, row: ServiceRow, error: unknown): Promise<never> {
  await supervisor.failRestart(row.id, error)
  throw error
}
