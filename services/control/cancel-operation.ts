/** Cancelling an operation: who may, where it runs, and how it has ended then. */
import type { Db } from '../../db/client.ts'
import { findOperation, requestCancel } from '../../db/workspace-operations.ts'
import type { Row } from '../../db/tables.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { NotCancellable, OperationEnded } from '../errors.ts'
import { cancellerOf } from '../operations/cancellation.ts'
import { hasEnded } from '../operations/operations.ts'
import type { Recorder } from '../operations/recorder.ts'
import { settlesWithin } from '../process/settles-within.ts'
import { DeadlinePassed, until } from '../process/until.ts'

export interface CancelDeps {
  db: Db
  access: RuntimeAccess
  recorder: Pick<Recorder, 'cancel' | 'ended'>
  /** How long it is waited for the end. */
  waitMs?: number
}

/** The grace time of most commands, the time SIGKILL may take, and some. */
const defaultWaitMs = 15_000
/** Another host tells nobody. */
const farAway = { firstMs: 20, maxMs: 500 }

type OperationRow = Row<'workspace_operations'>

/**
 * Cancels an operation and waits for its end. One that was cancelled already is the same success.
 * @returns whether it has ended; if not, it is still ending when the time to wait is over
 * @throws NotFound (404), Forbidden (403), OperationEnded (409) naming how it ended, NotCancellable (409) naming why
 */
export async function cancelOperation (deps: CancelDeps, actor: Actor, id: string): Promise<{ ended: boolean }> {
  const row = requireVisible(actor, await findOperation(deps.db, id), 'write')
  const { company_id: companyId, execution_workspace_id: executionWorkspaceId, project_workspace_id: projectWorkspaceId } = row
  await deps.access.requireRuntimeManagement(actor, {
    companyId, executionWorkspaceId, projectWorkspaceId: executionWorkspaceId === null ? projectWorkspaceId : null
  })
  if (hasEnded(row)) return endOf(row)
  const waitMs = deps.waitMs ?? defaultWaitMs
  const by = cancellerOf(actor)
  const isHere = deps.recorder.cancel(row.id, by)
  if (!isHere) await requestCancel(deps.db, row.id, JSON.stringify(by))
  const now = await (isHere ? endedHere(deps, row.id, waitMs) : endedThere(deps, row.id, waitMs))
  return hasEnded(now) ? endOf(now) : { ended: false }
}

function endOf ({ id, status }: OperationRow): { ended: true } {
  if (status === 'cancelled') return { ended: true }
  throw new OperationEnded(`The operation has ended already: ${status}.`, { members: { operationId: id, operationStatus: status } })
}

async function endedHere (deps: CancelDeps, id: string, waitMs: number): Promise<OperationRow> {
  await settlesWithin(Promise.resolve(deps.recorder.ended(id)), waitMs)
  return await reread(deps, id)
}

/** Its host sees the request, ends it or says why not. */
async function endedThere (deps: CancelDeps, id: string, waitMs: number): Promise<OperationRow> {
  const look = async (): Promise<OperationRow | null> => {
    const row = await reread(deps, id)
    if (row.cancel_refusal !== null && !hasEnded(row)) throw new NotCancellable(row.cancel_refusal, { members: { operationId: id } })
    return hasEnded(row) ? row : null
  }
  try {
    return await until(look, { ...farAway, withinMs: waitMs })
  } catch (error) {
    if (error instanceof DeadlinePassed) return await reread(deps, id)
    throw error
  }
}

async function reread ({ db }: CancelDeps, id: string): Promise<OperationRow> {
  const row = await findOperation(db, id)
  if (row === undefined) throw absent()
  return row
}
