/** Closing and reopening workspaces, end to end: who may, one at a time, and what is answered. */
import type { Db } from '../../db/client.ts'
import { findLatestOperation } from '../../db/archival.ts'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { findOperation } from '../../db/workspace-operations.ts'
import type { WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import type { CloseReadiness } from '../../openapi/schemas/readiness.ts'
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { absent, requireCompany, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { archiveWorkspace, type ArchiveOutcome } from '../archive/archive.ts'
import { stepInput, warn, workspaceWaitMs, type ArchiveDeps } from '../archive/archive-run.ts'
import { assess } from '../archive/close-readiness.ts'
import { finishWorkspace } from '../archive/finish-interrupted.ts'
import { gatherFacts } from '../archive/gather.ts'
import { finishRestore, restoreWorkspace, type RestoredStatus, type RestoredWorkspace } from '../archive/restore.ts'
import { WorkspaceStateConflict } from '../errors.ts'
import type { OnBegun } from '../operations/begun.ts'
import type { HeldLock } from '../operations/locks.ts'
import { toOperation } from '../operations/shape.ts'
import { servicesOwner, type WorkspaceRow } from '../workspaces/shape.ts'
import { endHolders, refuseWhileJobsRun, requireClosable } from './archive-holders.ts'
import { requireManageable } from './managed-workspace.ts'
import type { RuntimeControl } from './runtime-control.ts'
import type { WorkspaceView } from './workspace-view.ts'

export interface ArchiveAnswer {
  workspace: ExecutionWorkspace
  /** The one that sums up: `worktree_cleanup` of an archive, `workspace_restore` of a restore. */
  operation: WorkspaceOperation
}

export interface ArchiveOptions {
  /** Told with the operation that sums up. */
  onBegun?: OnBegun<ArchiveAnswer> | undefined
}

export interface CloseOptions extends ArchiveOptions {
  /** Ends live leases and jobs first; for instance admins, and owners and admins of the company. */
  force?: boolean | undefined
}

export interface RestoreOptions extends ArchiveOptions {
  /** What it becomes; `active` unless given. */
  status?: RestoredStatus | undefined
  /** Start its services that should run, once the files are back. What can't be started is told by the operation. */
  startServices?: boolean | undefined
}

export interface ArchiveControl {
  /** @throws NotFound for what the actor may not see */
  closeReadiness (actor: Actor, id: string): Promise<CloseReadiness>
  /**
   * Whether it can be closed, leaving aside what force ends.
   * @throws NotFound, Forbidden (403) for force unless an admin asks, CloseBlocked (409) with `closeReadiness`
   */
  requireClosable (actor: Actor, id: string, options: { force: boolean }): Promise<void>
  /**
   * Archives; of one that is archived already, the result of that. A workspace whose files could not be removed
   * safely is answered as `cleanup_failed`, with its operation `failed`.
   * @throws NotFound, Forbidden, CloseBlocked (409) with `closeReadiness`, NotCancellable (409), WorkspaceBusy, WorkspaceStateConflict (409)
   */
  archive (actor: Actor, id: string, options?: CloseOptions): Promise<ArchiveAnswer>
  /** @throws NotFound, Forbidden, WorkspaceBusy, WorkspaceStateConflict, WorktreeTaken (409), RestoreFailed (422), InsufficientStorage (507) */
  restore (actor: Actor, id: string, options?: RestoreOptions): Promise<ArchiveAnswer>
  /** For recovery: ends what a crash cut off in a workspace that is `archiving`; another one is left as it is. */
  finishInterrupted (row: WorkspaceRow): Promise<WorkspaceRow>
}

export interface ArchiveControlDeps extends ArchiveDeps {
  hostId: string
  access: RuntimeAccess
  view: WorkspaceView
  bringBack: RuntimeControl['bringBack']
  /** Throws InsufficientStorage (507) when the disk is nearly full. */
  requireRoom: () => Promise<void>
}

export function createArchive (deps: ArchiveControlDeps): ArchiveControl {
  const { db } = deps

  async function answer ({ row, operation }: ArchiveOutcome): Promise<ArchiveAnswer> {
    return { workspace: await deps.view.show(row), operation }
  }

  /** Hands on that it has begun, with the answer as it is until the end. */
  function telling (id: string, onBegun: OnBegun<ArchiveAnswer> | undefined): ((operationId: string) => void) | undefined {
    if (onBegun === undefined) return undefined
    return operationId => onBegun({ operationId, answer: async () => await answer(await outcomeNow(db, id, operationId)) })
  }

  return {
    async closeReadiness (actor, id) {
      const row = requireVisible(actor, await findWorkspace(db, id))
      return assess(await gatherFacts(deps, row))
    },

    async requireClosable (actor, id, { force }) {
      const row = requireVisible(actor, await findWorkspace(db, id))
      if (force) requireCompany(actor, row.company_id, 'admin')
      await requireClosable(deps, row, { force })
    },

    async archive (actor, id, options = {}) {
      const onBegun = telling(id, options.onBegun)
      const row = await requireManageable(deps, actor, id)
      const forced = options.force === true ? await endHolders(deps, actor, row) : null
      await refuseWhileJobsRun(deps, row)
      return await answer(await alone(deps, row, 'archiving', async (current, held) => {
        if (current.status === 'archived') return await archivedAlready(deps, current, actor)
        if (current.status === 'provisioning') throw new WorkspaceStateConflict('The workspace is provisioning; wait until that is done.')
        if (current.status !== 'archiving') return await archiveWorkspace(deps, { row: current, actor, held, resumed: false, forced, onBegun })
        // Cut off by a crash, and nobody has come to it yet. After a restore that was, there is still an archive to do.
        const finished = await finishWorkspace(deps, current, actor, held)
        if (finished.operation.phase === 'worktree_cleanup') return finished
        return finished.row.status === 'archived' ? await archivedAlready(deps, finished.row, actor) : await archiveWorkspace(deps, { row: finished.row, actor, held, resumed: false, forced, onBegun })
      }))
    },

    async restore (actor, id, { status, startServices = false, onBegun } = {}) {
      const row = await requireManageable(deps, actor, id)
      await deps.requireRoom()
      const restored = await alone(deps, row, 'restoring', async (current, held) => {
        const done = await restoreWorkspace(deps, { row: current, actor, held, status, onBegun: telling(id, onBegun) })
        if (!startServices) await finishRestore(done.run)
        return done
      })
      if (startServices) await startAgain(deps, restored)
      return await answer({ row: startServices ? await reread(db, id) : restored.row, operation: await finishRestore(restored.run) })
    },

    async finishInterrupted (row) {
      return await alone(deps, row, 'finishing what was cut off', async (current, held) => {
        if (current.status !== 'archiving') return current
        return (await finishWorkspace(deps, current, systemActor, held)).row
      })
    }
  }
}

/** Starts what should run, now that the workspace is free for it; ends the restore's operation with what came of it. */
async function startAgain (deps: ArchiveControlDeps, { row, run }: RestoredWorkspace): Promise<void> {
  // One that borrows its project workspace's services has no say of its own in what runs.
  if (servicesOwner(row).kind === 'project') return warn(run, 'Its services are those of its project workspace: none was started.')
  try {
    const { started, problems } = await deps.bringBack({ kind: 'execution', id: row.id })
    run.op.annotate({ startedServiceCount: started })
    for (const problem of problems) warn(run, `A service could not be started: ${problem}`)
  } catch (error) {
    deps.log.warn({ err: error, workspaceId: row.id }, 'the services of a restored workspace could not be started')
    warn(run, 'Its services could not be started; the log of the service says why.')
  }
}

/** Runs a step with the workspace locked for itself and its row read afresh. */
async function alone<T> (deps: ArchiveControlDeps, row: WorkspaceRow, purpose: string, step: (current: WorkspaceRow, held: HeldLock) => Promise<T>): Promise<T> {
  return await deps.locks.withLock({ resource: `workspace:${row.id}`, mode: 'exclusive', purpose, waitMs: workspaceWaitMs },
    async held => await step(await reread(deps.db, row.id), held))
}

async function reread (db: Db, id: string): Promise<WorkspaceRow> {
  const row = await findWorkspace(db, id)
  if (row === undefined) throw absent()
  return row
}

async function outcomeNow (db: Db, id: string, operationId: string): Promise<ArchiveOutcome> {
  const [row, operation] = await Promise.all([reread(db, id), findOperation(db, operationId)])
  if (operation === undefined) throw absent()
  return { row, operation: toOperation(operation) }
}

/** The finished result: the operation that archived it, or the note that nothing was to be done. */
async function archivedAlready (deps: ArchiveControlDeps, row: WorkspaceRow, actor: Actor): Promise<ArchiveOutcome> {
  const last = await findLatestOperation(deps.db, row.id, 'worktree_cleanup')
  if (last !== undefined) return { row, operation: toOperation(last) }
  const operation = await deps.recorder.skip(stepInput(row, actor, { phase: 'worktree_cleanup', metadata: { action: 'archive' } }), 'The workspace is archived already.')
  return { row, operation }
}
