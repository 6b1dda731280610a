/** Makes a workspace: everything decided, then the row, then the files, then `active`. */
import type { Db } from '../../db/client.ts'
import { isForeignKeyViolation, isUniqueViolation } from '../../db/errors.ts'
import { findWorktreeHolders, insertWorkspace } from '../../db/execution-workspaces.ts'
import type { NewRow } from '../../db/tables.ts'
import type { CreateWorkspaceBody } from '../../openapi/schemas/workspace.ts'
import { runIdOf, type Actor } from '../access/actor.ts'
import { forbidAgentWrites } from '../access/agent-writes.ts'
import { requireCompany } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { InvalidReference, isProblem } from '../errors.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import type { Recorder } from '../operations/recorder.ts'
import { runStep } from '../operations/run-step.ts'
import { workspaceStep } from '../operations/workspace-step.ts'
import { wholeCreation } from '../workspaces/last-preparation.ts'
import { linkSourceIssue } from '../workspaces/outcome.ts'
import type { Realizer, RealizeOptions } from '../workspaces/realizer.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { worktreeTaken } from '../workspaces/worktree-plan.ts'
import { draftWorkspace, type DraftDeps } from './workspace-draft.ts'
import { findPlace } from './workspace-place.ts'

export interface CreateDeps extends DraftDeps {
  db: Db
  access: RuntimeAccess
  realizer: Realizer
  /** Throws InsufficientStorage (507) when the disk is nearly full. */
  requireRoom: () => Promise<void>
  recorder: Recorder
}

export interface CreateOptions {
  /** Told once the workspace is there and its files are being made, with the operation that spans the whole. */
  onBegun?: ((operationId: string, workspaceId: string) => void) | undefined
}

/**
 * Makes a workspace and answers its row, `active`.
 * @throws problems (403, 409, 422, 507); once the row is there they name the operation and the workspace
 */
export async function createWorkspace (deps: CreateDeps, actor: Actor, companyId: string, body: CreateWorkspaceBody, { onBegun }: CreateOptions = {}): Promise<WorkspaceRow> {
  requireCompany(actor, companyId, 'write')
  forbidAgentWrites(actor, body, 'execution_workspace')
  const place = await findPlace(deps.db, actor, companyId, body)
  await deps.access.requireRuntimeManagement(actor, {
    companyId, issueId: place.issue?.id ?? null, projectWorkspaceId: place.projectWorkspace?.id ?? null
  })
  await deps.requireRoom()
  const draft = await draftWorkspace(deps, body, place)
  const row = await insert(deps, actor, draft.row)
  if (row.status === 'active') return row
  const options = { agentId: place.agent?.id ?? null, runId: runIdOf(actor), ...(draft.owner === null ? {} : { owner: draft.owner }) }
  try {
    return onBegun === undefined ? await deps.realizer.realize(row, options) : await realizeAsOne(deps, row, options, onBegun)
  } catch (error) {
    if (isProblem(error)) error.members['workspaceId'] ??= row.id
    throw error
  }
}

/** Makes the files under one operation around those of the steps: it tells the end of the whole to who does not wait for it. */
async function realizeAsOne ({ recorder, realizer }: CreateDeps, row: WorkspaceRow, options: RealizeOptions, onBegun: NonNullable<CreateOptions['onBegun']>): Promise<WorkspaceRow> {
  // What keeps this record from being written does the same to those of the steps, and they leave the workspace in order.
  const op = await recorder.begin(workspaceStep(row, options.runId ?? null, { ...wholeCreation, cwd: row.repo_root })).catch(() => null)
  if (op === null) return await realizer.realize(row, options)
  const { value } = await runStep(op, async () => {
    onBegun(op.id, row.id)
    try {
      return await realizer.realize(row, { ...options, signal: op.signal })
    } catch (error) {
      if (isProblem(error) && error.members.operationId !== undefined) op.annotate({ failedOperationId: error.members.operationId })
      throw error
    }
  })
  return value
}

/** Of two requests for one worktree at once, the second loses here, with nothing made. */
async function insert ({ db, now }: CreateDeps, actor: Actor, draft: NewRow<'execution_workspaces'>): Promise<WorkspaceRow> {
  try {
    return await db.transaction().execute(async trx => {
      const row = await insertWorkspace(trx, draft)
      await recordWorkspaceActivity(trx, row, {
        actor,
        action: 'created',
        details: { mode: row.mode, strategyType: row.strategy_type, projectId: row.project_id, sourceIssueId: row.source_issue_id }
      })
      if (row.status === 'active') await linkSourceIssue(trx, row, now())
      return row
    })
  } catch (error) {
    throw await insertProblem(db, draft, error) ?? error
  }
}

async function insertProblem (db: Db, draft: NewRow<'execution_workspaces'>, error: unknown): Promise<Error | null> {
  const { host_id: hostId, realized_path: path } = draft
  if (isUniqueViolation(error, 'execution_workspaces_one_per_worktree') && hostId != null && path != null) {
    const [other] = await findWorktreeHolders(db, hostId, path, null)
    return worktreeTaken(path, other === undefined || other.company_id !== draft.company_id ? null : other)
  }
  if (isForeignKeyViolation(error)) return new InvalidReference('The project, its workspace or the issue was deleted just now.', { cause: error })
  return null
}
